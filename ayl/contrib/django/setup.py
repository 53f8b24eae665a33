"""For workers: `DJANGO_SETTINGS_MODULE=shop.settings ayl_worker --require ayl.contrib.django.setup`.

Imported, it loads the Django project, and with it all models; so the module that declares a function
(`@ayl.task`) is named after it: `--require ayl.contrib.django.setup --require shop.tasks`.
"""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

import django

django.setup()
