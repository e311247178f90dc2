# SPDX-License-Identifier: Apache-2.0
# The program with its feeds, rule modules and compiler.
#   docker build -t ledgermill .
#   docker run --rm -v "$PWD":/work ledgermill run transactions inbox/day.csv
FROM debian:12-slim AS build
COPY script/bootstrap /src/script/bootstrap
RUN /src/script/bootstrap build --yes
COPY . /src
WORKDIR /src
RUN cmake -S . -B /build -G Ninja -DLEDGERMILL_TESTS=OFF && cmake --build /build && cmake --install /build --prefix /usr/local

FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libfmt9 libyaml-cpp0.7 libre2-9 libssl3 libpq5 libsqlite3-0 libcurl4 libmicrohttpd12 ca-certificates gnucobol3 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/ledgermill /usr/local/bin/ledgermill
COPY --from=build /usr/local/share/ledgermill /usr/local/share/ledgermill
RUN useradd --create-home --uid 10001 ledgermill
USER ledgermill
WORKDIR /work
ENTRYPOINT ["ledgermill"]
