"""`ayl_daemons`: the daemons of `daemons.yml`, started, watched and stopped."""
