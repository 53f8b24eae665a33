"""Support for frameworks; each module is imported only when one of its classes is used."""
