"""Django: model instances are named by primary key and database, sends wait for the commit, saves send hooks.

Nothing need be called: this is loaded when a model is registered. As an app, in INSTALLED_APPS, it also reads the
setting `AYL` and brings `manage.py ayl_worker`. See docs/django.md.
"""

from ayl import frameworks
from ayl.contrib.django import transactions
from ayl.contrib.django.connections import tidied, tidied_on_loop
from ayl.contrib.django.locator import DjangoLocator
from ayl.contrib.django.saves import watch_saves

LOCATOR = DjangoLocator()

transactions.follow()
frameworks.AROUND_JOBS.append(tidied)
frameworks.AROUND_COROUTINES.append(tidied_on_loop)
watch_saves()
