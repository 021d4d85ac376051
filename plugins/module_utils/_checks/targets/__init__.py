"""What checks look at: the host, its database servers, Redis servers, benches and sites."""
