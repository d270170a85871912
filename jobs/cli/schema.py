"""`kfp schema`: the JSON schema of specs, for editors; the reference of all components, for people."""

import json

import click


@click.command("schema", help="Print the JSON schema of specs, or with --markdown their reference.")
@click.option("--markdown", is_flag=True, help="The reference for people.")
def command(markdown: bool) -> int:
    from jobs import schema

    click.echo(schema.markdown() if markdown else json.dumps(schema.build(), indent=2, ensure_ascii=False))
    return 0
