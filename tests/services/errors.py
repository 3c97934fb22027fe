"""What can go wrong while a real RabbitMQ and a real Redis are being provided."""


class Unavailable(Exception):
    """One way cannot provide a service here; the message says why. The next way may be tried."""


class StartFailed(Unavailable):
    """A service was started and did not become ready; the message ends with its last log lines."""


class GivenUrlError(Exception):
    """A URL was given and is incomplete or dead. Final: what a person asked for is not replaced."""


class GivenInstallationError(Exception):
    """A folder was named and holds no RabbitMQ that can be run. Final, as a URL is."""


class NoWayWorked(Exception):
    """No way could provide a service; the message tells for each way why not.

    `start_failed`: the service was there, in at least one way, and did not start.
    """

    def __init__(self, message: str, *, start_failed: bool = False) -> None:
        super().__init__(message)
        self.start_failed = start_failed


class BrokerCannotBeRestarted(Exception):
    """Only URLs or containers are available: no private broker. A test may skip on it."""
