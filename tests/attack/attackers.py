# SPDX-License-Identifier: LGPL-2.1-or-later
"""What users may try against the broker.  Each attack is a function of the socket's path, the seconds
that it may take, and a random number generator; it runs in a process of its own, as a user of its own,
and returns how often it did what.  "breach" among it counts answers that a client must never get."""

import collections
import os
import resource
import select
import socket
import struct
import time

import protocol_client as protocol

HELLO = protocol.encode_hello(3, "attacker")
# As another program sent it: the name and the control group are claims.
RECORDED_HELLO = protocol.encode_hello(3, "honest", "/user.slice/honest.scope")
GET_TIME = protocol.encode_call(protocol.XM_GET_TIME, [0], 1)
FORBIDDEN = ((protocol.XM_HALT_PARTITION, [1]), (protocol.BY_NAME["XM_halt_system"].number, []),
             (protocol.BY_NAME["broker_reload"].number, [0, 0]),
             (protocol.BY_NAME["broker_sessions"].number, [0]))
MESSAGE_MAX = protocol.MAX_PACKET


class Tally(collections.Counter):
    """Counts, and what of an answer must never be."""

    def answer(self, data, forbidden):
        """Counts a message of the server; whether the session goes on."""
        if not data:
            self["dropped"] += 1
            return False
        kind = data[2]
        if kind == protocol.REFUSED:
            self["refused"] += 1
            return False
        if kind == protocol.RESULT:
            code = struct.unpack_from("<H", data, protocol.HEADER.size)[0]
            self["answers"] += 1
            self["breach"] += forbidden and code == 0
        elif kind == protocol.BATCH_RESULT:
            self["answers"] += 1
            self["breach"] += forbidden and data[protocol.HEADER.size] == 1
        elif kind not in (protocol.WELCOME, protocol.PART):
            self["breach"] += 1
        return True


def connect(path, tally, timeout=2):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(timeout)
    try:
        s.connect(path)
    except OSError:
        s.close()
        tally["no connection"] += 1
        return None
    tally["connections"] += 1
    return s


def receive(s, tally, forbidden=False):
    try:
        return tally.answer(s.recv(MESSAGE_MAX), forbidden)
    except TimeoutError:
        tally["no answer"] += 1
    except OSError:
        tally["dropped"] += 1
    return False


def opened(path, tally, timeout=2, hello=HELLO):
    """A session; None if the broker gives none."""
    s = connect(path, tally, timeout)
    if s is None:
        return None
    try:
        s.send(hello)
    except OSError:
        pass
    if receive(s, tally):
        return s
    s.close()
    return None


def send(s, data, tally):
    try:
        s.send(data)
        return True
    except OSError:
        tally["dropped"] += 1
        return False


def until(seconds):
    """Goes on and on for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def use_all_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 12000 if hard == resource.RLIM_INFINITY else min(hard, 12000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted - 64


# ---- garbage -------------------------------------------------------------------------------------


def mutated(message, rng):
    data = bytearray(message)
    for _ in range(rng.randrange(1, 6)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[:rng.randrange(1, len(data) + 1)] if rng.random() < 0.3 else data)


def garbage(path, seconds, rng):
    tally = Tally()
    for _ in until(seconds):
        s = opened(path, tally) if rng.random() < 0.5 else connect(path, tally)
        if s is None:
            time.sleep(0.001)
            continue
        s.settimeout(0.05)
        for _ in range(rng.randrange(1, 4)):
            if rng.random() < 0.5:
                data = rng.randbytes(rng.choice((1, 15, 16, 17, 100, 4000, 60000)))
            else:
                data = mutated(rng.choice((HELLO, GET_TIME)), rng)
            tally["messages"] += 1
            if not send(s, data, tally):
                break
        receive(s, tally)
        s.close()
    return tally


# ---- floods --------------------------------------------------------------------------------------


def flood_of(message, path, seconds, forbidden=False, sessions=8):
    """Sends as fast as the broker takes it, and reads all answers."""
    tally = Tally()
    poll = select.epoll()
    table = {}

    def add():
        s = opened(path, tally)
        if s is not None:
            s.setblocking(False)
            table[s.fileno()] = s
            poll.register(s, select.EPOLLIN | select.EPOLLOUT)

    def drop(fd):
        poll.unregister(fd)
        table.pop(fd).close()

    def serve(s, events):
        if events & (select.EPOLLHUP | select.EPOLLERR):
            return False
        try:
            if events & select.EPOLLIN:
                while tally.answer(s.recv(MESSAGE_MAX), forbidden):
                    pass
                return False
        except BlockingIOError:
            pass
        except OSError:
            return False
        try:
            for _ in range(64):
                s.send(message)
                tally["messages"] += 1
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    for _ in until(seconds):
        if len(table) < sessions:
            add()
        for fd, events in poll.poll(0.05):
            if not serve(table[fd], events):
                tally["sessions ended"] += 1
                drop(fd)
    for fd in list(table):
        drop(fd)
    return tally


def calls(path, seconds, rng):
    del rng
    return flood_of(GET_TIME, path, seconds)


def batches(path, seconds, rng):
    del rng
    message = protocol.encode_batch([(protocol.XM_GET_TIME, [0])] * 512, 1)
    return flood_of(message, path, seconds, sessions=4)


def refused_batches(path, seconds, rng):
    """None of it is made, and each of it could be recorded."""
    calls_of_it = [(protocol.XM_GET_TIME, [0])] * 10 + [(protocol.XM_SUSPEND_PARTITION, [1])] * 502
    del rng
    return flood_of(protocol.encode_batch(calls_of_it, 1), path, seconds, True, sessions=4)


def denials(path, seconds, rng):
    number = rng.randrange(1 << 31)
    message = protocol.encode_call(protocol.XM_SUSPEND_PARTITION, [number], 1)
    return flood_of(message, path, seconds, True)


# ---- connections ---------------------------------------------------------------------------------


def churn(path, seconds, rng, most=None):
    """Opens and closes, as fast as it goes, half of them without a word."""
    tally = Tally()
    for _ in until(seconds):
        s = connect(path, tally, 0.2)
        if s is None:
            time.sleep(0.0005)
            continue
        if rng.random() < 0.5:
            send(s, HELLO, tally)
            if rng.random() < 0.5:
                receive(s, tally)
        s.close()
        if tally["connections"] == most:
            break
    return tally


def a_third_of_ten_thousand(path, seconds, rng):
    return churn(path, seconds, rng, 3334)


def hold(path, seconds, rng):
    """Opens all that can be had, and keeps them."""
    tally = Tally()
    held = []
    end = time.monotonic() + seconds
    most = use_all_descriptors()
    del rng
    while time.monotonic() < end:
        s = opened(path, tally, 0.2) if len(held) < most else None
        if s is not None:
            held.append(s)
        else:
            time.sleep(0.01)
    tally["held"] = len(held)
    return tally


def half_open(path, seconds, rng):
    """Takes the places of those who have not said who they are."""
    tally = Tally()
    waiting = collections.deque()
    most = use_all_descriptors()
    del rng
    for _ in until(seconds):
        s = connect(path, tally, 0.2) if len(waiting) < most else None
        if s is not None:
            waiting.append(s)
        else:
            time.sleep(0.001)
        if len(waiting) > 2000:
            waiting.popleft().close()
    return tally


# ---- those who are slow --------------------------------------------------------------------------


def unread(path, seconds, rng):
    """Asks, and never reads an answer."""
    tally = Tally()
    sessions = []
    message = protocol.encode_batch([(protocol.XM_GET_TIME, [0])] * 512, 1)
    for _ in until(seconds):
        if len(sessions) < 64:
            s = opened(path, tally)
            if s is not None:
                s.setblocking(False)
                sessions.append(s)
        for s in list(sessions):
            try:
                s.send(message if rng.random() < 0.1 else GET_TIME)
                tally["messages"] += 1
            except BlockingIOError:
                pass
            except OSError:
                tally["sessions ended"] += 1
                sessions.remove(s)
                s.close()
        time.sleep(0.001)
    return tally


def loris(path, seconds, rng):
    """Set-up a byte too late, and messages in parts of which the next never comes."""
    tally = Tally()
    sessions = []
    write = protocol.BY_NAME["XM_write_console"].number
    long_message = protocol.encode_call(write, [0, bytes(1 << 20), 1 << 20], 1)
    parts = list(protocol.packets(long_message))
    for _ in until(seconds):
        if len(sessions) < 200:
            s = connect(path, tally) if rng.random() < 0.5 else opened(path, tally)
            if s is not None:
                s.setblocking(False)
                sessions.append([s, 0])
        for entry in rng.sample(sessions, min(4, len(sessions))):
            try:
                entry[0].send(parts[min(entry[1], len(parts) - 2)])
                entry[1] += 1
                tally["messages"] += 1
            except BlockingIOError:
                pass
            except OSError:
                tally["sessions ended"] += 1
                sessions.remove(entry)
                entry[0].close()
        time.sleep(0.005)
    return tally


# ---- descriptors, and what others said -----------------------------------------------------------


def descriptors(path, seconds, rng):
    """Passes descriptors of all kinds, itself and what is being connected among them."""
    tally = Tally()
    for _ in until(seconds):
        s = opened(path, tally)
        if s is None:
            time.sleep(0.001)
            continue
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        epoll = select.epoll()
        fds = [s.fileno(), pair[0].fileno(), epoll.fileno(), 0] * rng.randrange(1, 60)
        # A socket in flight over itself is garbage that the kernel has to collect.
        socket.send_fds(pair[0], [b"x"], [pair[1].fileno(), pair[0].fileno()])
        try:
            socket.send_fds(s, [GET_TIME], fds[:250])
            tally["passed"] += 1
            receive(s, tally)
        except PermissionError:
            tally["refused by the kernel"] += 1
        except OSError:
            tally["dropped"] += 1
        for closable in (s, epoll, *pair):
            closable.close()
    return tally


def forged_credentials(s, rng):
    """Says to be somebody else; the kernel lets only root do that."""
    who = struct.pack("=iII", os.getpid(), rng.choice((0, 20001, 20002)), 0)
    s.sendmsg([protocol.encode_call(*FORBIDDEN[0], 1)], [(socket.SOL_SOCKET, 2, who)])


def replay(path, seconds, rng):
    """The handshakes of others, a second one, none, answers instead of questions, forged identities."""
    tally = Tally()
    welcome = protocol.header(protocol.WELCOME, 0, struct.pack("<HBIII", 1, 3, 0, 3, 1 << 24))
    for _ in until(seconds):
        first = rng.choice((HELLO, RECORDED_HELLO, RECORDED_HELLO, None, welcome))
        s = opened(path, tally, 0.5, first) if first else connect(path, tally, 0.5)
        if s is None:
            time.sleep(0.001)
            continue
        s.settimeout(0.5)
        if rng.random() < 0.2:
            send(s, RECORDED_HELLO, tally)
        elif rng.random() < 0.2:
            try:
                forged_credentials(s, rng)
                tally["breach"] += os.geteuid() != 0
            except PermissionError:
                tally["refused by the kernel"] += 1
            except OSError:
                tally["dropped"] += 1
        send(s, protocol.encode_call(*rng.choice(FORBIDDEN), 1), tally)
        receive(s, tally, True)
        s.close()
    return tally


ALL = (garbage, calls, batches, refused_batches, denials, churn, half_open, unread, loris, descriptors,
       replay)


def mixture(path, seconds, rng):
    """All of it, in turns."""
    tally = Tally()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tally.update(rng.choice(ALL)(path, min(0.5, end - time.monotonic()), rng))
    return tally

