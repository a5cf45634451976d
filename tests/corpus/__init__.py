"""`make corpus`: a folder of real pictures or catalogues on the running stack, judged by independent oracles."""
