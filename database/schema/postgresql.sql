-- Heroes and villains in PostgreSQL, as in the Quarkus application; {table} is hero or villain.
CREATE SEQUENCE IF NOT EXISTS {table}_seq START WITH 1 INCREMENT BY 50;

CREATE TABLE {table} (
    id        bigint PRIMARY KEY,
    level     integer NOT NULL,
    name      varchar(50) NOT NULL,
    otherName varchar(255),
    picture   varchar(255),
    powers    text
);
