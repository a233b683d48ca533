# The Data API bridge. From the repository's top: docker build --file deploy/data-api.Dockerfile .

FROM rust:1.95-bookworm AS build
# Linked statically, so that the image needs no system around it. `musl-gcc` compiles the C of ring and zstd.
RUN apt-get update && apt-get install --yes --no-install-recommends musl-tools && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The caches make a second build quick; what is shipped must leave them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=data-api-target \
    target="$(uname -m)-unknown-linux-musl" \
    && rustup target add "$target" \
    && cargo build --release --locked --package data-api --target "$target" \
    && cp "target/$target/release/data-api" /data-api

# No shell, no packages: certificates, a user, and the program.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /data-api /usr/local/bin/data-api
EXPOSE 4000
# The static build's allocator gives back what large requests leave behind. Without these, 64 requests of 16 MiB at the same
# time took up to 680 MiB; with them, less than 256.
ENV MIMALLOC_ARENA_RESERVE=0 MIMALLOC_PURGE_DELAY=0
# The program asks itself: there is no curl in here.
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s CMD ["data-api", "health"]
# Where MongoDB is and who is let in comes from the environment (MONGODB_URI, DATA_API_KEYS, DATA_API_ACCESS_FILE, …) or from
# a file that DATA_API_CONFIG names.
ENTRYPOINT ["data-api"]
CMD ["--listen", "0.0.0.0:4000"]
