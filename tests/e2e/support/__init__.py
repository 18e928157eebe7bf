"""What the end-to-end tests and the demo share: services, traffic, recordings, the SDKs' hash rules."""
