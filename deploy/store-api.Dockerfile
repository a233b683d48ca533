# The component in Spin. From the repository's top: docker build --file deploy/store-api.Dockerfile .

FROM rust:1.95-bookworm AS build
RUN rustup target add wasm32-wasip2
WORKDIR /src
COPY . .
# The caches make a second build quick; what is shipped must leave them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=store-api-target \
    cargo build --release --locked --target wasm32-wasip2 --package store-api \
    && cp target/wasm32-wasip2/release/store_api.wasm /store_api.wasm

FROM ghcr.io/spinframework/spin:v4.1.0
WORKDIR /app
COPY spin.toml .
# Where spin.toml looks for it.
COPY --from=build /store_api.wasm target/wasm32-wasip2/release/store_api.wasm
COPY --chmod=755 deploy/health /usr/local/bin/health
# Spin keeps a cache and its state: in a folder that may go with the container.
ENV HOME=/tmp
USER 65532:65532
EXPOSE 3000
# Variables come from the environment, SPIN_VARIABLE_<NAME>. runtime-config.toml is for local use and stays out.
CMD ["up", "--from", "spin.toml", "--listen", "0.0.0.0:3000", "--state-dir", "/tmp/spin"]
