"""The bus: one interface, two transports. `rabbitmq` for work, `memory` for one process."""
