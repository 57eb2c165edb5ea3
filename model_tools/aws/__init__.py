"""The only room that calls AWS: one small adapter a service, and one place that knows how calls fail.

    functions       Lambda            a function's code, versions and alias; calls of it
    executions      Step Functions    executions of a state machine: start, describe, history
    registry        DynamoDB          a function's records: releases, refusals, what is live
    metrics         CloudWatch        the requests that one version had through the alias
    objects         S3                objects by URI, streamed
    ├── uploads                       files of this machine to a bucket, each at most once
    └── runtimes                      runtime bundles, and which of them the stack uses
    stack           CloudFormation    the names that a deployed stack gives to its parts

    connection      boto3 clients for a person's command: endpoint, region, credentials, time limits
    faults          what a failed call means, to the workflow or to a person

An adapter is given a boto3 client and an error policy of `faults`: the workflow's functions make their clients
themselves, the command line takes them from `connection`. An adapter speaks in our own types and decides nothing.
"""
