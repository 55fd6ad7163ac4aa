"""Starting programs in tests: free ports, the end with the test, and Debian's relay."""

import contextlib
import ctypes
import random
import signal
import socket

SKIPPED = 77  # Meson's status of a test that could not run
START_TRIES = 5  # another program may take a port before the started one does
PR_SET_PDEATHSIG = 1
# Below the ports that the system gives to outgoing connections.
PORTS = range(20_000, 32_000)

# Loaded here, since a process must not load libraries between its fork and its start when there are threads.
libc = ctypes.CDLL(None)
names_of_ports = []


def die_with_the_test():
    """For `preexec_fn`: the system ends the process when the test ends, however that happens."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    """A port that nothing uses. No other test gets it before this one ends, since a test keeps a socket named after each."""
    while True:
        port = random.choice(PORTS)
        name = socket.socket(socket.AF_UNIX)
        with contextlib.ExitStack() as stack:
            try:
                name.bind(f"\0toxtcp-test-{port}")
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
                names_of_ports.append(name)
                return port
            except OSError:
                name.close()


def bootstrapd_command(program, folder, tcp_port, udp_port, nodes=""):
    """Writes a config file for `tox-bootstrapd` into the folder, a pathlib.Path, and returns the command that starts the relay.
    `nodes`: the other relays that it knows, in the file's format. `bootstrapd_key` reads its key once it listens."""
    config = folder / "config"
    config.write_text(
        f'port = {udp_port}\nkeys_file_path = "{folder}/keys"\npid_file_path = "{folder}/pid"\n'
        "enable_ipv6 = false\nenable_ipv4_fallback = false\nenable_lan_discovery = false\nenable_motd = false\n"
        f"enable_tcp_relay = true\ntcp_relay_ports = [{tcp_port}]\nbootstrap_nodes = ({nodes})\n"
    )
    return [program, "--config", config, "--foreground", "--log-backend", "stdout"]


def bootstrapd_key(folder):
    """The relay's public key in hexadecimal digits."""
    return (folder / "keys").read_bytes()[:32].hex().upper()  # the public key comes first
