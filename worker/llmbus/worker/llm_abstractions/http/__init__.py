"""What the providers that are asked over HTTP have in common, whichever SDK sends the request."""
