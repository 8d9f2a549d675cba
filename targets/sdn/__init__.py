"""OpenFlow networks around real, unmodified controllers.  Sans-IO switches, hosts and links are ours."""
