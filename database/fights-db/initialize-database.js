// Made by `go run ./database/generate`.
db.getSiblingDB('fights').createUser({
  user: 'superfight',
  pwd: 'superfight',
  roles: [{ role: 'readWrite', db: 'fights' }],
});
