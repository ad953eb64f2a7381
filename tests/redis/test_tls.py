"""TLS: servers are checked, and we can come with a certificate of our own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from penstock.backends.redis import dial
from penstock.backends.redis.address import parse
from penstock.backends.redis.script import Script
from penstock.core.errors import Invalid, Unavailable
from tests.redis.conftest import Linked
from tests.redis.servers import Server, free_port, newest

ECHO = Script("echo", "return ARGV[1]")


class Secure:
    """A server that speaks TLS on a port of its own, with the files that lead in."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        self.certificate, self.key = folder / "ours.pem", folder / "ours.key"
        authority.cert_pem.write_to_path(str(self.authority))
        for issued, certificate, key in (
            (authority.issue_cert("localhost"), folder / "server.pem", folder / "server.key"),
            (authority.issue_cert("client.localhost"), self.certificate, self.key),
        ):
            issued.cert_chain_pems[0].write_to_path(str(certificate))
            issued.private_key_pem.write_to_path(str(key))
        self.port = free_port()
        self.server = Server(
            folder,
            *("--tls-port", str(self.port), "--tls-ca-cert-file", str(self.authority)),
            *("--tls-cert-file", str(folder / "server.pem"), "--tls-key-file", str(folder / "server.key")),
            *("--tls-auth-clients", "optional"),
        )

    def url(self, *options: str, host: str = "localhost") -> str:
        return f"rediss://{host}:{self.port}/0?{'&'.join(('allow_volatile=1', *options))}"


def speaks_tls() -> bool:
    """Whether this machine's server was built so: without a certificate it ends at once, and says why."""
    said = subprocess.run([newest(), "--port", "0", "--tls-port", "1"], capture_output=True, check=False)
    return b"No tls-cert-file" in said.stdout


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    if not newest() or not speaks_tls():
        pytest.skip("this machine's redis-server speaks no TLS")
    made = Secure(tmp_path_factory.mktemp("tls"))
    with made.server:
        yield made


async def test_a_server_whose_authority_is_named_is_trusted(secure: Secure, linked: Linked) -> None:
    link = linked(secure.url(f"ssl_ca_certs={secure.authority}"))
    await link.open()
    big = b"x" * (3 << 20)
    assert await link.run(ECHO, [], [big]) == big


async def test_an_encoded_password_and_a_database_are_honoured(secure: Secure, linked: Linked) -> None:
    """S2-28."""
    secure.server.ask("ACL", "SETUSER", "shop", "on", ">p:w@/d%", "~*", "&*", "+@all")
    url = (
        secure.url(f"ssl_ca_certs={secure.authority}").replace("//", "//shop:p%3Aw%40%2Fd%25@", 1).replace("/0?", "/5?")
    )
    link = linked(url)
    await link.open()
    said = await link.command("CLIENT", "LIST")
    assert isinstance(said, bytes)
    assert " db=5 " in next(line for line in said.decode().splitlines() if " user=shop " in line)


async def test_others_are_not(secure: Secure, linked: Linked) -> None:
    with pytest.raises(Invalid, match=r"certificate is not trusted.*ssl_ca_certs"):
        await linked(secure.url()).open()


async def test_a_name_that_does_not_fit_is_refused_unless_it_may(secure: Secure, linked: Linked) -> None:
    authority = f"ssl_ca_certs={secure.authority}"
    with pytest.raises(Invalid, match="certificate is not trusted"):
        await linked(secure.url(authority, host="127.0.0.1")).open()
    await linked(secure.url(authority, "ssl_check_hostname=0", host="127.0.0.1")).open()


async def test_a_server_may_go_unchecked(secure: Secure, linked: Linked) -> None:
    link = linked(secure.url("ssl_cert_reqs=none"))
    await link.open()
    assert await link.run(ECHO, [], ["x"]) == b"x"


async def test_we_come_with_a_certificate_where_one_is_asked_for(secure: Secure, linked: Linked) -> None:
    secure.server.ask("CONFIG", "SET", "tls-auth-clients", "yes")
    authority = f"ssl_ca_certs={secure.authority}"
    link = linked(secure.url(authority, f"ssl_certfile={secure.certificate}", f"ssl_keyfile={secure.key}"))
    await link.open()
    assert await link.run(ECHO, [], ["x"]) == b"x"
    try:
        with pytest.raises(Unavailable):
            await linked(secure.url(authority)).open()
    finally:
        secure.server.ask("CONFIG", "SET", "tls-auth-clients", "optional")


async def test_a_server_without_tls_is_unavailable(secure: Secure, linked: Linked) -> None:
    with pytest.raises(Unavailable, match=r"can't be reached|did not answer|closed"):
        await linked(f"rediss://localhost:{secure.server.port}").open()


async def test_who_mistakes_one_port_for_the_other_is_told_what_to_say(
    secure: Secure, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = parse(f"redis://localhost:{secure.port}")
    with pytest.raises(Unavailable, match=r"if it wants TLS, say rediss://"):
        await dial.dial(plain, plain.nodes[0])
    monkeypatch.setattr(
        dial, "CONNECTING", 0.2
    )  # a server without TLS waits for the end of what it takes for a command
    ciphered = parse(f"rediss://localhost:{secure.server.port}")
    with pytest.raises(Unavailable, match=r"if it speaks no TLS, say redis://"):
        await dial.dial(ciphered, ciphered.nodes[0])
