# One image for every service: docker build -t superheroes-go .
#
# The build is reproducible: the same sources and toolchain produce the same binary, bit for bit, regardless of the folder,
# the time and the state of the repository. The build runs on the builder's architecture and cross-compiles for the target.
FROM --platform=$BUILDPLATFORM golang:1.26.8-trixie AS build
ENV GOTOOLCHAIN=local CGO_ENABLED=0
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/superheroes ./cmd/superheroes
RUN mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/superheroes /superheroes
# A new volume that is mounted here gets this owner, the user below.
COPY --from=build --chown=65532:65532 /out/data /data
# These variables are for `up`. A single service listens on ADDR and doesn't use DATA_DIR.
ENV DATA_DIR=/data HEROES_ADDR=:8001 VILLAINS_ADDR=:8002 LOCATIONS_ADDR=:8003 FIGHTS_ADDR=:8004 STATISTICS_ADDR=:8005 ARENA_ADDR=:8000
USER 65532:65532
EXPOSE 8000 8001 8002 8003 8004 8005
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/superheroes", "health"]
ENTRYPOINT ["/superheroes"]
CMD ["up"]
