# The gateway as an image. It listens on every address of the container, where clients are others than the machine
# itself, and so it does not start before somebody decides who may ask:
#
#   - auth.mode = "none" is refused here, unless auth.allow_public = true (TRACKGRAPH_AUTH__ALLOW_PUBLIC=true). That is
#     right only where a proxy or a network policy in front lets nobody else through.
#
#   docker build -t trackgraph .
#   docker run -p 127.0.0.1:8000:8000 -v ./trackgraph.toml:/etc/trackgraph/trackgraph.toml:ro \
#       -e TRACKGRAPH_AUTH__ALLOW_PUBLIC=true -e TRACKGRAPH_SERVER__HOSTS=localhost trackgraph
#
# The SQLite store of the default settings lies in /var/lib/trackgraph; mount a volume there to keep it.

ARG PYTHON_VERSION=3.11
ARG NODE_VERSION=24

# The GraphiQL page: the build script needs Node, npm and a Python without any package.
FROM node:${NODE_VERSION}-bookworm-slim AS graphiql
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY frontend/ frontend/
RUN python3 frontend/build.py

# The environment that is shipped: locked packages first, since they change more rarely than our own code.
FROM python:${PYTHON_VERSION}-slim-bookworm AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/trackgraph \
    && /opt/trackgraph/bin/pip install --require-hashes --requirement requirements.lock
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway/ gateway/
COPY providers/ providers/
COPY --from=graphiql /src/gateway/http/graphiql/static/ gateway/http/graphiql/static/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheels . \
    && /opt/trackgraph/bin/pip install --no-deps /opt/wheels/trackgraph-*.whl \
    && /opt/trackgraph/bin/pip uninstall --yes pip setuptools \
    && /opt/trackgraph/bin/python -m compileall -q /opt/trackgraph/lib

FROM python:${PYTHON_VERSION}-slim-bookworm
RUN useradd --uid 10001 --home-dir /var/lib/trackgraph --create-home --skel /dev/null --shell /usr/sbin/nologin trackgraph
COPY --from=environment /opt/trackgraph /opt/trackgraph
ENV PATH=/opt/trackgraph/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TRACKGRAPH_CONFIG=/etc/trackgraph/trackgraph.toml
# By number, so that an orchestrator can see that it is not root.
USER 10001
WORKDIR /var/lib/trackgraph
EXPOSE 8000
# Asked by the image's own Python: a slim image has no curl, and needs none.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["trackgraph"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
