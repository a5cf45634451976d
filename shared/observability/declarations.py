"""Declares metrics with unit and meaning, from which the documentation is generated."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True)
class Declaration:
    """One metric, as the documentation lists it."""

    name: str
    kind: str
    """counter, gauge or histogram"""
    unit: str
    meaning: str
    labels: tuple[str, ...]


class Declarations:
    """Creates metrics in `registry` and records their declarations in `made`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.made: list[Declaration] = []

    def counter(self, name: str, meaning: str, unit: str, labels: Sequence[str] = ()) -> Counter:
        self.made.append(Declaration(name, "counter", unit, meaning, tuple(labels)))
        return Counter(name, meaning, labels, registry=self._registry)

    def gauge(self, name: str, meaning: str, unit: str, labels: Sequence[str] = ()) -> Gauge:
        self.made.append(Declaration(name, "gauge", unit, meaning, tuple(labels)))
        return Gauge(name, meaning, labels, registry=self._registry)

    def seconds(self, name: str, meaning: str, buckets: Sequence[float], labels: Sequence[str] = ()) -> Histogram:
        self.made.append(Declaration(name, "histogram", "seconds", meaning, tuple(labels)))
        return Histogram(name, meaning, labels, registry=self._registry, buckets=buckets)
