# The components in Spin. From the repository's top: docker build --file deploy/store-api.Dockerfile .

FROM rust:1.95-bookworm AS build
RUN rustup target add wasm32-wasip2
WORKDIR /src
COPY . .
# The caches make a second build quick; what is shipped must leave them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=store-api-target \
    cargo build --release --locked --target wasm32-wasip2 --package store-api --package site \
    && mkdir /state /components \
    && cp target/wasm32-wasip2/release/store_api.wasm target/wasm32-wasip2/release/site.wasm /components/

FROM ghcr.io/spinframework/spin:v4.1.0
WORKDIR /app
COPY spin.toml .
# Where spin.toml looks for them.
COPY --from=build /components target/wasm32-wasip2/release
# Where Spin keeps logs and state when nobody says otherwise, as on Kubernetes.
COPY --from=build --chown=65532:65532 /state .spin
COPY --chmod=755 deploy/health /usr/local/bin/health
# Spin keeps a cache and its state: in a folder that may go with the container.
ENV HOME=/tmp
USER 65532:65532
EXPOSE 3000
# Variables come from the environment, SPIN_VARIABLE_<NAME>. runtime-config.toml is for local use and stays out.
CMD ["up", "--from", "spin.toml", "--listen", "0.0.0.0:3000", "--state-dir", "/tmp/spin", "--max-instance-reuse-count", "10000"]
