"""The bus on RabbitMQ, versions 3.10 to 4.3. Only this package imports an AMQP library."""

from __future__ import annotations

from llmbus.shared.bus.rabbitmq.bus import RabbitmqBus

__all__ = ["RabbitmqBus"]
