"""Programs that benchmarks build and run: to their end, and what they print."""
import json
import subprocess


def run_to_end(command: list, **options) -> str:
    """Its output; RuntimeError if it fails."""
    try:
        command = [str(part) for part in command]
        result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} is not there") from error
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}: {result.stdout}{result.stderr}".strip())
    return result.stdout


def run_json(command: list, **options) -> dict:
    """The JSON object in its last line."""
    return json.loads(run_to_end(command, **options).splitlines()[-1])
