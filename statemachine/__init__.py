"""The workflows, written to be read: each module tells one state machine from its first state to its last.

    publish_model   from a trained checkpoint to a version that users' requests go to
    shift_traffic   the part of publish_model that moves traffic step by step
    on_failure      the way back of publish_model: traffic first, then cleaning up, then the record
    retrain_model   train, then publish what came out
    policies        when a call is tried again, and where an error leads
    states          the kinds of states, and the conditions of a choice
    layout          JSON that people can read

AWS takes the plain JSON beside them (`*.asl.json`), which is checked in: template.yaml deploys it, consoles and editors
show it. `make definitions` writes it anew, and a test fails while the two differ. Nothing here runs in AWS.
"""
