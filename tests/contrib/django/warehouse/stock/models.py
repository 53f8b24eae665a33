"""Things on shelves."""

# mypy: disable-error-code="import-untyped, misc"
# Django brings no types, so its classes cannot be checked either.

from asgiref.sync import sync_to_async
from django.db import connection, models

import ayl


def queries() -> int:
    """How many queries this thread has logged."""
    return len(connection.queries)


@ayl.model("stock.Thing")
class Thing(models.Model):
    """Each call writes down what it was, and how many queries the job had made until then."""

    name = models.CharField(max_length=50, default="")

    def rename(self, name: str) -> None:
        self.name = f"{name} {queries()}"
        self.save()

    async def rename_later(self, name: str) -> None:
        self.name = f"{name} {await sync_to_async(queries)()}"
        await self.asave()

    async def forget_to_await(self) -> None:
        self.save()


@ayl.task("stock.restock")
def restock(name: str) -> None:
    Thing.objects.create(name=f"{name} {queries()}")
