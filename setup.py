"""The packages of the wheel; everything else about it is in `setup.cfg`.

The migrations stand beside the application package in a checkout, and inside it in the wheel.
"""

from setuptools import find_packages, setup

MIGRATIONS = "precast_app.migrations"

setup(
    packages=[*find_packages(include=["precast_app", "precast_app.*"]), MIGRATIONS, f"{MIGRATIONS}.versions"],
    package_dir={MIGRATIONS: "migrations"},
)
