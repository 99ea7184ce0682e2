"""The command ``withings-sync`` with its names, options and files, on the pipeline of Weighbridge.

command             one run, from the arguments to the exit code
command_line        its arguments
target_credentials  user names and passwords: secret files, environment, arguments
run_plan            the person, the targets and the days of a run
terminal_consent    the consent at Withings, at a terminal
automatic_sign_in   one sign-in at a target that has no usable session
upload              the pipeline with these sign-ins
output_files        the files that it writes
named_values        its JSON
state_files         where the original keeps its files
state_import        its logins and days, taken over once
"""
