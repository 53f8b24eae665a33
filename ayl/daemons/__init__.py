"""Background processes of `daemons.yml`: what they are (spec), who keeps each alive (keeper), what operators do to them
(control).
"""
