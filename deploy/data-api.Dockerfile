# The Data API bridge. From the repository's top: docker build --file deploy/data-api.Dockerfile .

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches make a second build quick; what is shipped must leave them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=data-api-target \
    cargo build --release --locked --package data-api \
    && cp target/release/data-api /data-api

# Debian and not distroless: Compose's health check is a few lines of bash, and needs nothing else that is not in here.
FROM debian:bookworm-slim
COPY --from=build /data-api /usr/local/bin/data-api
COPY --chmod=755 deploy/health /usr/local/bin/health
USER 65532:65532
EXPOSE 4000
# Where MongoDB is and which keys are good comes from the environment: MONGODB_URI, DATA_API_KEYS.
ENTRYPOINT ["data-api"]
CMD ["--listen", "0.0.0.0:4000"]
