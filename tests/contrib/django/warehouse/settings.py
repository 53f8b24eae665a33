"""A project that real workers load; the tests say by the environment where its database is."""

import json
import os

SECRET_KEY = "for tests only"  # noqa: S105 - it protects nothing
DATABASES = {"default": json.loads(os.environ["WAREHOUSE_DATABASE"])}
INSTALLED_APPS = ["ayl.contrib.django", "stock"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DEBUG = True  # queries are logged then, and a worker must forget them
AYL = {"app": "warehouse", "version": os.environ["WAREHOUSE_VERSION"], "defaults": {"failed_job_delay": 1}}
