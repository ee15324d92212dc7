# One image for all processes: the command says which (see compose.yaml). Build it with `docker build --tag precast .`, or
# with `--build-arg REQUIREMENTS=requirements-telemetry.txt` for one that can report to Sentry and OpenTelemetry.
ARG PYTHON_VERSION=3.13
ARG REQUIREMENTS=requirements.txt

FROM python:${PYTHON_VERSION}-slim AS packages
ARG REQUIREMENTS
WORKDIR /build
COPY requirements.txt requirements-telemetry.txt ./
# Only what the lock file names, by its hash, and without running a package's own build.
RUN python -m venv /opt/precast \
    && /opt/precast/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement "$REQUIREMENTS"

FROM python:${PYTHON_VERSION}-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin precast
COPY --from=packages /opt/precast /opt/precast
ENV PATH=/opt/precast/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY wsgi.py worker.py gunicorn.conf.py ./
COPY migrations migrations
COPY precast_app precast_app
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", 8000)}/healthz', timeout=3)"]
CMD ["gunicorn", "wsgi:app"]
