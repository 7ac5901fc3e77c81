// Made by `go run ./database/generate`.
db.getSiblingDB('fights').createUser({
  user: 'superfight',
  pwd: 'superfight',
  roles: [{ role: 'readWrite', db: 'fights' }],
});
db.getSiblingDB('fights').fights.createIndex({ counted: 1, _id: 1 });
db.getSiblingDB('fights').statistics_winners.createIndex({ wins: -1, name: 1, team: 1 });
db.getSiblingDB('fights').statistics_places.createIndex({ fights: -1, name: 1 });
