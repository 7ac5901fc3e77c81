-- Locations in MariaDB or MySQL, as in the Quarkus application. Names are compared byte by byte on both servers: with
-- the usual collations, names that differ only in case, accents or trailing blanks would be duplicates.
CREATE TABLE {table} (
    id          bigint AUTO_INCREMENT PRIMARY KEY,
    description mediumtext,
    name        varchar(50) CHARACTER SET utf8mb4 /*M!100200 COLLATE utf8mb4_nopad_bin */ /*!80000 COLLATE utf8mb4_0900_bin */ NOT NULL UNIQUE,
    picture     varchar(255),
    type        enum('CITY', 'PLANET', 'PLACE', 'ISLAND', 'COUNTRY', 'MOON') NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
