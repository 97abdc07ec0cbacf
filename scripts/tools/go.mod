// Only the pin and the checksum of Prometheus and promtool: scripts/install-tools builds them in their own module.
module otelier/scripts/tools

go 1.25.0

require github.com/prometheus/prometheus v0.309.1
