"""`kfp schema`: the JSON schema of specs, for editors; the reference of all components, for people."""

import json

import click


@click.command("schema", help="Print the JSON schema of specs, or with --markdown the reference of all components.")
@click.option("--markdown", is_flag=True, help="Print the reference as Markdown.")
def command(markdown: bool) -> int:
    from jobs import reference
    from jobs.spec import schema

    text = (
        "\n".join(reference.pages().values()) if markdown else json.dumps(schema.build(), indent=2, ensure_ascii=False)
    )
    click.echo(text)
    return 0
