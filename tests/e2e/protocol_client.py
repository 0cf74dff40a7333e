#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of xmbroker, written from xmbroker-protocol(7) alone.

Neither a header nor a source file of the project was read for it; the table of
operations below is copied from xm_hypercalls(7).  It proves that the manual
pages suffice to write a client, and the end-to-end tests use it.

As a script, `protocol_client.py SOCKET` opens a session, calls XM_get_time(0)
and XM_halt_partition(1), prints one line for each, and exits 0 if both were
answered by well-formed results, else 1 with the reason on stderr.

As a module:

    with Client(path) as client:
        client.hello()
        code, value, outputs = client.call(XM_GET_TIME, [0])

The arguments of a call are the inputs in the order of the table, or all
arguments, with None where an output stands.  State(n) instead of an argument
sends the state n and no value; a structure is a dictionary of its fields.

        results = client.batch([(XM_GET_TIME, [0]), (XM_GET_TIME, [1])])

makes several calls or none: a list of (code, value, outputs), or NotMade with
a code for each.  Messages longer than a packet go and come in parts.
"""

import collections
import errno
import os
import socket
import struct
import sys

MAGIC = 0x6D58
HEADER = struct.Struct("<HBBIII")
MAX_PACKET = 66560
PART_DATA = MAX_PACKET - HEADER.size - 8
MAX_DATA = 16 * 1024 * 1024
MAX_MESSAGE = MAX_DATA + 65536
MAX_TEXT = 65536
MAX_RECORDS = 64
MAX_BATCH = 512
MAX_NAME = 31
MAX_COMM = 15
MAX_CGROUP = 255
MAX_REASON = 255
MAX_VALUE = 2147483647
VERSION = 1

HELLO, WELCOME, REFUSED, CALL, RESULT, PART, BATCH, BATCH_RESULT = 1, 2, 3, 4, 5, 6, 7, 8

PROFILES = {1: "2.4", 2: "2.6", 3: "3.x", 4: "PRTOS"}

STATE_VALUE = 0
STATE_NULL = 1
STATE_FAULT = 2
STATE_UNALIGNED = 3
STATE_ABSENT = 4
STATE_TOO_LONG = 5

CODES = (
    "XM_OK",
    "XM_NO_ACTION",
    "XM_UNKNOWN_HYPERCALL",
    "XM_INVALID_PARAM",
    "XM_PERM_ERROR",
    "XM_INVALID_CONFIG",
    "XM_INVALID_MODE",
    "XM_NOT_AVAILABLE",
    "XM_OP_NOT_ALLOWED",
    "XM_MULTICALL_ERROR",
    "unknown",
)
XM_OK = 0

REFUSALS = (
    errno.EPROTONOSUPPORT,
    errno.EPROTO,
    errno.EACCES,
    errno.EAGAIN,
    errno.ETIMEDOUT,
    errno.ENOBUFS,
    errno.EDQUOT,
    errno.ESHUTDOWN,
)

RANGES = {
    "u32": (0, 2**32 - 1),
    "s32": (-(2**31), 2**31 - 1),
    "u64": (0, 2**64 - 1),
    "s64": (-(2**63), 2**63 - 1),
}

# Structures of xm_hypercalls(7): the fields in the order in which they travel.
STRUCTURES = {
    name: tuple(fields.split())
    for name, fields in {
        "xmSamplingPortStatus_t": "timestamp lastMsgSize flags validPeriod maxMsgSize",
        "xmSamplingPortInfo_t": "validPeriod maxMsgSize direction",
        "xmQueuingPortStatus_t": "noMsgs validPeriod maxMsgSize maxNoMsgs flags",
        "xmQueuingPortInfo_t": "maxMsgSize maxNoMsgs direction validPeriod",
        "xmHmLog_t": "signature checksum opCodeH opCodeL timestamp"
        " payload0 payload1 payload2 payload3 payload4",
        "xmHmStatus_t": "noEvents maxEvents currentEvent",
        "xmSystemStatus_t": "resetCounter noHmEvents noIrqs currentMaf"
        " noSamplingPortMsgsRead noSamplingPortMsgsWritten"
        " noQueuingPortMsgsSent noQueuingPortMsgsReceived",
        "xmPartitionStatus_t": "state opMode noVIrqs resetCounter resetStatus execClock"
        " noSamplingPortMsgsRead noSamplingPortMsgsWritten"
        " noQueuingPortMsgsSent noQueuingPortMsgsReceived",
        "xmPlanStatus_t": "switchTime next current prev",
        "xmVirtualCpuStatus_t": "state opMode",
        "xmPhysPageStatus_t": "pAddr type counter",
        "payload": "moduleId payload0 payload1 payload2 payload3",
        "xmTraceEvent_t": "signature checksum opCodeH opCodeL timestamp moduleId"
        " payload0 payload1 payload2 payload3",
        "xmTraceStatus_t": "noEvents maxEvents currentEvent",
        "partitionControlTable_t": "id noPartitions noVCpus flags hwIrqs noPhysicalMemAreas"
        " noCommPorts firstCommPort cpuKhz resetCounter resetStatus noSlot slotId slotDuration name0 name1",
        "xmPhysicalMemMap": "startAddr mappedAt size flags memoryRegionOffset name0 name1",
        "xmcSchedSpareSlot": "id partitionId duration",
        "trapHandler": "cs ip",
        "descriptor": "low high",
    }.items()
}

# Operations of xm_hypercalls(7): number, name, and for each argument its name,
# its type, and where it has one the length argument (data), the structure, or
# the structure and the argument that counts the records.  A "?" marks the
# argument that not every profile has, a "*" a number behind a pointer that may
# be NULL.
_TABLE = """
0 unclassified reason:u32 nr:u32 a0:u64 a1:u64 a2:u64
1 XM_PARTITION_SELF
2 XM_get_time clock:u32 time:s64-out
3 XM_set_timer clock:u32 absTime:s64 interval:s64
4 XM_halt_partition partitionId:u32
5 XM_suspend_partition partitionId:u32
6 XM_resume_partition partitionId:u32
7 XM_reset_partition partitionId:u32 resetMode:u32 status:u32
8 XM_shutdown_partition partitionId:u32
9 XM_idle_self
10 XM_halt_system
11 XM_reset_system resetMode:u32
12 XM_write_console partitionId:u32 buffer:data:length length:u32
13 XM_read_console partitionId:u32 buffer:data-out:length length:u32
14 XM_seek_console partitionId:u32 offset:s32 whence:u32
15 XM_create_sampling_port partitionId:u32 portName:name maxMsgSize:u32 direction:u32 validPeriod:s64?
16 XM_read_sampling_message partitionId:u32 port:u32 buffer:data-out:size size:u32 flags:u32-out
17 XM_write_sampling_message partitionId:u32 port:u32 buffer:data:size size:u32
18 XM_get_sampling_port_status partitionId:u32 port:u32 status:struct-out:xmSamplingPortStatus_t
19 XM_get_sampling_port_info partitionId:u32 portName:name info:struct-out:xmSamplingPortInfo_t
20 XM_create_queuing_port partitionId:u32 portName:name maxNoMsgs:u32 maxMsgSize:u32 direction:u32
21 XM_send_queuing_message partitionId:u32 port:u32 buffer:data:size size:u32
22 XM_receive_queuing_message partitionId:u32 port:u32 buffer:data-out:size size:u32 flags:u32-out
23 XM_get_queuing_port_status partitionId:u32 port:u32 status:struct-out:xmQueuingPortStatus_t
24 XM_get_queuing_port_info partitionId:u32 portName:name info:struct-out:xmQueuingPortInfo_t
25 XM_hm_read partitionId:u32 log:records-out:xmHmLog_t:noLogs noLogs:u32
26 XM_hm_seek partitionId:u32 offset:s32 whence:u32
27 XM_hm_status partitionId:u32 status:struct-out:xmHmStatus_t
28 XM_hm_lock_events partitionId:u32
29 XM_hm_unlock_events partitionId:u32
30 XM_hm_reset_events partitionId:u32
31 XM_get_system_status status:struct-out:xmSystemStatus_t
32 XM_get_partition_status partitionId:u32 status:struct-out:xmPartitionStatus_t
33 XM_get_plan_status partitionId:u32 status:struct-out:xmPlanStatus_t
34 XM_set_partition_opmode partitionId:u32 opMode:u32
35 XM_get_partition_vcpu_status partitionId:u32 vcpu:u32 status:struct-out:xmVirtualCpuStatus_t
36 XM_get_physpage_status partitionId:u32 pAddr:u64 status:struct-out:xmPhysPageStatus_t
37 XM_switch_sched_plan newPlan:u32 oldPlan:u32-out
38 XM_get_gid_by_name name:name entity:u32
39 XM_set_spare_guest partitionId:u32 start:s64-out stop:s64-out
40 XM_gather_spare_data partitionId:u32 cycleTime:s64-out slots:records-out:xmcSchedSpareSlot:noSlots noSlots:u32
41 XM_set_spare_plan partitionId:u32 cycleTime:s64 slots:records:xmcSchedSpareSlot:noSlots noSlots:u32
42 XM_get_spare_plan partitionId:u32 cycleTime:s64-out slots:records-out:xmcSchedSpareSlot:noSlots noSlots:u32
43 XM_trace_event partitionId:u32 bitmask:u32* criticality:u32 code:u32 payload:struct:payload event:struct-out:xmTraceEvent_t noEvents:u32
44 XM_trace_unrecoverable partitionId:u32 bitmask:u32* criticality:u32 code:u32 payload:struct:payload event:struct-out:xmTraceEvent_t noEvents:u32
45 XM_trace_read partitionId:u32 event:records-out:xmTraceEvent_t:noEvents noEvents:u32
46 XM_trace_seek partitionId:u32 offset:s32 whence:u32
47 XM_trace_status partitionId:u32 status:struct-out:xmTraceStatus_t
48 XM_trace_lock partitionId:u32
49 XM_trace_unlock partitionId:u32
50 XM_trace_reset partitionId:u32
51 XM_memory_copy dstId:u32 dstAddr:u64 srcId:u32 srcAddr:u64 size:s64
52 XM_set_irqmask hwIrqsMask:u32 extIrqsMask:u32
53 XM_clear_irqmask hwIrqsMask:u32 extIrqsMask:u32
54 XM_set_irqpend hwIrqsPend:u32 extIrqsPend:u32
55 XM_clear_irqpend hwIrqsPend:u32 extIrqsPend:u32
56 XM_route_irq type:u32 irq:u32 vector:u32
57 XM_mask_hwirq irq:u32
58 XM_unmask_hwirq irq:u32
59 XM_raise_ipvi noIpvi:u32
60 XM_raise_partition_ipvi partitionId:u32 noIpvi:u32
61 XM_update_page32 pAddr:u64 val:u32
62 XM_set_page_type pAddr:u64 type:u32
63 XM_invld_tlb vAddr:u64
64 XM_override_trap_hndl entry:s32 handler:struct:trapHandler
65 XM_reset_vcpu vcpuId:u32 ptdL1:u64 entry:u64 status:u32
66 XM_halt_vcpu vcpuId:u32
67 XM_suspend_vcpu vcpuId:u32
68 XM_resume_vcpu vcpuId:u32
69 XM_get_vcpuid
70 XM_write_register32 reg32:u32 val:u32
71 XM_write_register64 reg64:u32 subreg:u32 hi:u32 lo:u32
72 XM_ia32_update_sys_struct which:u32 v1:u32 v2:u32
73 XM_ia32_set_idt_desc entry:s32 desc:struct:descriptor
74 XM_x86_load_cr0 val:u64
75 XM_x86_load_cr3 val:u64
76 XM_x86_load_cr4 val:u64
77 XM_x86_load_tss address:u64
78 XM_x86_load_gdt address:u64
79 XM_x86_load_idtr address:u64
80 XM_x86_update_ss_sp ss:u64 sp:u64 level:u32
81 XM_x86_update_gdt entry:u32 desc:struct:descriptor
82 XM_x86_update_idt entry:u32 desc:struct:descriptor
83 XM_x86_set_if
84 XM_x86_clear_if
85 XM_raise_partition_trap trap:u32
86 XM_get_PCT partitionId:u32 table:struct-out:partitionControlTable_t
87 XM_get_partition_mmap partitionId:u32 from:u32 areas:records-out:xmPhysicalMemMap:noAreas noAreas:u32
512 broker_status text:text-out
513 broker_reload confirm:u32 force:u32 text:text-out
514 broker_sessions from:u64 text:text-out
515 broker_kick uid:u32
516 broker_metrics from:u64 text:text-out
517 broker_confirm generation:u32 text:text-out
"""

Argument = collections.namedtuple("Argument", "name type out detail count optional pointed")
Operation = collections.namedtuple("Operation", "number name arguments")
State = collections.namedtuple("State", "state")
Welcome = collections.namedtuple("Welcome", "version profile partition partitions max_data")


def _parse_table(text):
    operations = {}
    for line in text.split("\n"):
        words = line.split()
        if not words:
            continue
        arguments = []
        for word in words[2:]:
            parts = word.rstrip("?*").split(":")
            kind = parts[1].removesuffix("-out")
            arguments.append(
                Argument(
                    name=parts[0],
                    type=kind,
                    out=parts[1].endswith("-out"),
                    detail=parts[2] if len(parts) > 2 else None,
                    count=parts[3] if len(parts) > 3 else None,
                    optional=word.endswith("?"),
                    pointed=word.endswith("*"),
                )
            )
        operations[int(words[0])] = Operation(int(words[0]), words[1], tuple(arguments))
    return operations


OPERATIONS = _parse_table(_TABLE)
BY_NAME = {operation.name: operation for operation in OPERATIONS.values()}

XM_GET_TIME = 2
XM_HALT_PARTITION = 4
XM_SUSPEND_PARTITION = 5
XM_WRITE_CONSOLE = 12
XM_GET_PARTITION_STATUS = 32
XM_GET_GID_BY_NAME = 38
BROKER_STATUS = 512


class ClientError(Exception):
    """The session cannot be used any more."""


class ProtocolError(ClientError):
    """The server sent what xmbroker-protocol(7) does not allow."""


class Refused(ClientError):
    """The server sent REFUSED."""

    def __init__(self, number, reason):
        super().__init__(f"refused: {errno.errorcode.get(number, number)}: {reason}")
        self.errno = number
        self.reason = reason


class NotMade(Exception):
    """No call of a batch was made; `codes` has a code for each, XM_OK where it is not the reason."""

    def __init__(self, codes):
        super().__init__("not made: " + " ".join(CODES[code] for code in codes))
        self.codes = codes


class Disconnected(ClientError):
    """The connection ended; a call under way may or may not have been made."""


class Timeout(ClientError):
    """No answer came in time; a call under way may or may not have been made."""


def header(type, serial, body):
    """The message of that type and serial with that body: header and body."""
    return HEADER.pack(MAGIC, type, 0, HEADER.size + len(body), serial, 0) + body


def encode_string(text, maximum):
    data = text if isinstance(text, bytes) else text.encode()
    if len(data) > maximum:
        raise ValueError(f"a string of {len(data)} bytes, at most {maximum}")
    if 0 in data:
        raise ValueError("a NUL in a string")
    return struct.pack("<H", len(data)) + data


def encode_hello(profile, comm, cgroup="", lowest=VERSION, highest=VERSION):
    return header(
        HELLO,
        0,
        struct.pack("<HHB", lowest, highest, profile)
        + encode_string(comm, MAX_COMM)
        + encode_string(cgroup, MAX_CGROUP),
    )


def complete(operation, args):
    """One entry for each argument of the table, outputs included."""
    args = list(args)
    if len(args) == len(operation.arguments):
        return args
    inputs = [a for a in operation.arguments if not a.out]
    if len(args) != len(inputs):
        raise ValueError(f"{operation.name}: {len(args)} arguments, not {len(inputs)}")
    rest = iter(args)
    return [None if a.out else next(rest) for a in operation.arguments]


def _allowed_states(argument):
    if argument.type in RANGES and not argument.out and not argument.pointed:
        return {STATE_ABSENT} if argument.optional else set()
    if argument.pointed:
        return {STATE_NULL, STATE_FAULT, STATE_UNALIGNED, STATE_ABSENT}
    states = {STATE_NULL, STATE_FAULT, STATE_UNALIGNED}
    if argument.type == "data" or (argument.type == "records" and not argument.out):
        states.add(STATE_TOO_LONG)
    return states


def _encode_fields(argument, value, values):
    names = STRUCTURES[argument.detail]
    records = [value] if argument.type == "struct" else value
    if argument.type == "records" and len(records) != values[argument.count]:
        raise ValueError(f"{argument.name}: {len(records)} records, but {argument.count} says {values[argument.count]}")
    if any(set(record) != set(names) for record in records):
        raise ValueError(f"{argument.name}: the fields are {' '.join(names)}")
    fields = [record[name] for record in records for name in names]
    return struct.pack(f"<BI{len(fields)}Q", STATE_VALUE, len(fields), *fields)


def _encode_argument(argument, value, values, max_data):
    if isinstance(value, State):
        if value.state not in _allowed_states(argument) and not (argument.out and value.state == STATE_VALUE):
            raise ValueError(f"{argument.name}: no state {value.state}")
        return bytes([value.state])
    if argument.out:
        if value is not None:
            raise ValueError(f"{argument.name}: an output takes no value")
        return bytes([STATE_VALUE])
    if argument.type in RANGES:
        low, high = RANGES[argument.type]
        if not low <= value <= high:
            raise ValueError(f"{argument.name}: {value} is no {argument.type}")
        return struct.pack("<BQ", STATE_VALUE, value & (2**64 - 1))
    if argument.type in ("struct", "records"):
        return _encode_fields(argument, value, values)
    data = value.encode() if isinstance(value, str) else bytes(value)
    if argument.type == "name":
        if len(data) > MAX_NAME:
            raise ValueError(f"{argument.name}: {len(data)} bytes, at most {MAX_NAME}")
        if 0 in data:
            raise ValueError(f"{argument.name}: a NUL in a name")
    elif argument.type == "data":
        if len(data) > max_data:
            raise ValueError(f"{argument.name}: {len(data)} bytes, at most {max_data}")
        if len(data) != values[argument.detail]:
            raise ValueError(f"{argument.name}: {len(data)} bytes, but {argument.detail} says {values[argument.detail]}")
    else:
        raise ValueError(f"{argument.name}: unknown type {argument.type}")
    return struct.pack("<BI", STATE_VALUE, len(data)) + data


def encode_operation(number, args, max_data=MAX_DATA):
    operation = OPERATIONS[number]
    args = complete(operation, args)
    values = {a.name: v for a, v in zip(operation.arguments, args)}
    body = struct.pack("<HB", number, len(operation.arguments))
    return body + b"".join(
        _encode_argument(argument, value, values, max_data)
        for argument, value in zip(operation.arguments, args)
    )


def message_of(type, serial, body):
    message = header(type, serial, body)
    if len(message) > MAX_MESSAGE:
        raise ValueError(f"a message of {len(message)} bytes, at most {MAX_MESSAGE}")
    return message


def encode_call(number, args, serial, max_data=MAX_DATA):
    return message_of(CALL, serial, encode_operation(number, args, max_data))


def encode_batch(calls, serial, max_data=MAX_DATA):
    if not 1 <= len(calls) <= MAX_BATCH:
        raise ValueError(f"a batch of {len(calls)} calls, 1 to {MAX_BATCH}")
    body = b"".join(encode_operation(number, args, max_data) for number, args in calls)
    return message_of(BATCH, serial, struct.pack("<H", len(calls)) + body)


def encode_part(message, offset, total=None, serial=None):
    """The packet with the part of a message that begins at `offset`."""
    return header(
        PART,
        int.from_bytes(message[8:12], "little") if serial is None else serial,
        struct.pack("<II", len(message) if total is None else total, offset)
        + message[offset : offset + PART_DATA],
    )


def packets(message):
    """The packets in which a message travels."""
    if len(message) <= MAX_PACKET:
        return [message]
    return [encode_part(message, offset) for offset in range(0, len(message), PART_DATA)]


class Reader:
    """Takes the fields of a message, and refuses missing and trailing bytes."""

    def __init__(self, body, what):
        self.body = body
        self.offset = 0
        self.what = what

    def take(self, size, field):
        if size > len(self.body) - self.offset:
            raise ProtocolError(
                f"{self.what}: {field} needs {size} bytes, {len(self.body) - self.offset} are left"
            )
        data = self.body[self.offset : self.offset + size]
        self.offset += size
        return data

    def number(self, size, field):
        return int.from_bytes(self.take(size, field), "little")

    def string(self, maximum, field):
        size = self.number(2, field)
        if size > maximum:
            raise ProtocolError(f"{self.what}: {field} of {size} bytes, at most {maximum}")
        data = self.take(size, field)
        if 0 in data:
            raise ProtocolError(f"{self.what}: a NUL in {field}")
        return data.decode("utf-8", "surrogateescape")

    def end(self):
        if self.offset != len(self.body):
            raise ProtocolError(f"{self.what}: {len(self.body) - self.offset} trailing bytes")


def decode_header(packet, whole=False):
    """(type, serial, body) of a message, after every check of the header."""
    if len(packet) > (MAX_MESSAGE if whole else MAX_PACKET):
        raise ProtocolError(f"a message of {len(packet)} bytes")
    if len(packet) < HEADER.size:
        raise ProtocolError(f"a message of {len(packet)} bytes, shorter than its header")
    magic, kind, flags, length, serial, reserved = HEADER.unpack_from(packet)
    if magic != MAGIC:
        raise ProtocolError(f"magic {magic:#06x}, not {MAGIC:#06x}")
    if kind not in ((RESULT, BATCH_RESULT) if whole else (WELCOME, REFUSED, RESULT, PART, BATCH_RESULT)):
        raise ProtocolError(f"message of type {kind} from a server")
    if flags != 0:
        raise ProtocolError(f"flags {flags:#x}, not 0")
    if length != len(packet):
        raise ProtocolError(f"length {length} in a message of {len(packet)} bytes")
    if reserved != 0:
        raise ProtocolError(f"reserved field {reserved:#x}, not 0")
    if kind in (WELCOME, REFUSED) and serial != 0:
        raise ProtocolError(f"serial {serial} in a message of type {kind}")
    return kind, serial, packet[HEADER.size :]


def decode_refused(body):
    reader = Reader(body, "REFUSED")
    number = reader.number(2, "error number")
    reason = reader.string(MAX_REASON, "reason")
    reader.end()
    if number not in REFUSALS:
        raise ProtocolError(f"REFUSED: unknown error number {number} ({reason})")
    return Refused(number, reason)


def decode_welcome(body, lowest=VERSION, highest=VERSION):
    reader = Reader(body, "WELCOME")
    version = reader.number(2, "version")
    profile = reader.number(1, "profile")
    partition = reader.number(4, "partition")
    partitions = reader.number(4, "number of partitions")
    max_data = reader.number(4, "most bytes of data")
    reader.end()
    if not lowest <= version <= highest:
        raise ProtocolError(f"WELCOME: version {version} was not offered")
    if profile not in PROFILES:
        raise ProtocolError(f"WELCOME: unknown profile {profile}")
    if max_data > MAX_DATA:
        raise ProtocolError(f"WELCOME: data of {max_data} bytes, more than {MAX_DATA}")
    return Welcome(version, profile, partition, partitions, max_data)


def _decode_number(reader, argument):
    raw = reader.number(8, argument.name)
    low, high = RANGES[argument.type]
    value = raw - 2**64 if low < 0 and raw >= 2**63 else raw
    if not low <= value <= high:
        raise ProtocolError(f"{reader.what}: {argument.name}: {raw:#x} is no {argument.type}")
    return value


def _decode_output(reader, argument, sent):
    if argument.type in RANGES:
        return _decode_number(reader, argument)
    if argument.type in ("struct", "records"):
        fields = STRUCTURES[argument.detail]
        count = reader.number(4, argument.name)
        most = len(fields) * (sent[argument.count] if argument.type == "records" else 1)
        wrong = count % len(fields) or count > most if argument.type == "records" else count != most
        if wrong:
            raise ProtocolError(f"{reader.what}: {argument.name}: {count} fields, not {most}")
        numbers = struct.unpack(f"<{count}Q", reader.take(8 * count, argument.name))
        records = [
            dict(zip(fields, numbers[i : i + len(fields)])) for i in range(0, count, len(fields))
        ]
        return records if argument.type == "records" else records[0]
    size = reader.number(4, argument.name)
    if argument.type == "data" and size > sent[argument.detail]:
        raise ProtocolError(f"{reader.what}: {argument.name}: {size} bytes, more than {sent[argument.detail]}")
    if argument.type == "text" and size > MAX_TEXT:
        raise ProtocolError(f"{reader.what}: {argument.name}: {size} bytes of text")
    data = reader.take(size, argument.name)
    return data.decode("utf-8", "surrogateescape") if argument.type == "text" else data


def decode_part(body, got, total):
    """(total, bytes) of the next part of a message, of which `got` bytes of `total` have come."""
    reader = Reader(body, "PART")
    whole = reader.number(4, "total")
    offset = reader.number(4, "offset")
    if not MAX_PACKET < whole <= MAX_MESSAGE or (total and whole != total):
        raise ProtocolError(f"PART: of a message of {whole} bytes")
    if offset != got:
        raise ProtocolError(f"PART: offset {offset}, not {got}")
    data = reader.take(min(PART_DATA, whole - offset), "bytes")
    reader.end()
    return whole, data


def decode_result(number, args, body):
    """(code, value, outputs): the outputs by name, None where there is no value."""
    reader = Reader(body, f"RESULT of {OPERATIONS[number].name}")
    result = _decode_result(reader, number, args)
    reader.end()
    return result


def decode_batch_result(calls, body):
    """A list of (code, value, outputs), or raises NotMade."""
    reader = Reader(body, "BATCH RESULT")
    made = reader.number(1, "whether they were made")
    count = reader.number(2, "number of results")
    if made > 1 or count != len(calls):
        raise ProtocolError(f"{reader.what}: {count} results of {len(calls)}, made: {made}")
    if not made:
        codes = list(reader.take(count, "codes"))
        reader.end()
        if not any(codes) or any(code >= CODES.index("unknown") for code in codes):
            raise ProtocolError(f"{reader.what}: codes {codes}")
        raise NotMade(codes)
    results = [_decode_result(reader, number, args) for number, args in calls]
    reader.end()
    return results


def _decode_result(reader, number, args):
    operation = OPERATIONS[number]
    args = complete(operation, args)
    sent = {a.name: v for a, v in zip(operation.arguments, args)}
    code = reader.number(2, "code")
    value = reader.number(4, "value")
    if code >= len(CODES):
        raise ProtocolError(f"{reader.what}: unknown code {code}")
    if value > MAX_VALUE:
        raise ProtocolError(f"{reader.what}: value {value}, more than {MAX_VALUE}")
    if code != XM_OK and value != 0:
        raise ProtocolError(f"{reader.what}: value {value} with code {code}")
    outputs = {}
    for argument in operation.arguments:
        if not argument.out:
            continue
        state = reader.number(1, f"state of {argument.name}")
        if state not in (STATE_VALUE, STATE_ABSENT):
            raise ProtocolError(f"{reader.what}: {argument.name}: state {state}")
        if state == STATE_VALUE and code != XM_OK:
            raise ProtocolError(f"{reader.what}: {argument.name}: a value with code {code}")
        usable = sent[argument.name] in (None, State(STATE_VALUE))
        if state == STATE_VALUE and not usable:
            raise ProtocolError(f"{reader.what}: {argument.name}: state {state} with code 0")
        outputs[argument.name] = _decode_output(reader, argument, sent) if state == STATE_VALUE else None
    return code, value, outputs


class Client:
    """One session.  Any ClientError ends it; a call is never repeated."""

    def __init__(self, socket_path, profile=3, comm="protocol_client", cgroup="", timeout=10.0):
        self.profile = profile
        self.comm = comm
        self.cgroup = cgroup
        self.welcome = None
        self.next_serial = 1
        self.pending = collections.deque()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            self.socket.settimeout(timeout)
            self.socket.connect(os.fspath(socket_path))
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        """Sends these bytes, whatever they are, as one packet."""
        ancillary = []
        if os.getuid() != os.geteuid() or os.getgid() != os.getegid():
            credentials = struct.pack("=iII", os.getpid(), os.geteuid(), os.getegid())
            ancillary.append((socket.SOL_SOCKET, getattr(socket, "SCM_CREDENTIALS", 2), credentials))
        try:
            sent = self.socket.sendmsg([data], ancillary)
        except TimeoutError as error:
            self.close()
            raise Timeout("the server takes no message") from error
        except (BrokenPipeError, ConnectionResetError) as error:
            self._drain(error)
        else:
            if sent != len(data):
                self.close()
                raise Disconnected(f"{sent} of {len(data)} bytes were sent")

    def _drain(self, error):
        """The server has closed: a REFUSED that it left behind tells why."""
        try:
            while True:
                kind, _, body = decode_header(self.recv_raw())
                if kind == REFUSED:
                    raise decode_refused(body)
        except Disconnected:
            raise Disconnected("the server closed the session before a message was sent") from error
        finally:
            self.close()

    def recv_raw(self):
        """The bytes of the next packet."""
        for attempt in range(2):
            try:
                data, _, flags, _ = self.socket.recvmsg(MAX_PACKET + 1)
            except TimeoutError as error:
                self.close()
                raise Timeout("no answer from the server") from error
            except ConnectionResetError as error:
                # Linux reports once that the server had not read everything;
                # what it sent before it closed can be read after that.
                if attempt == 0:
                    continue
                self.close()
                raise Disconnected("the server closed the session") from error
            if flags & socket.MSG_TRUNC:
                self.close()
                raise ProtocolError(f"a packet of more than {MAX_PACKET} bytes")
            if not data:
                self.close()
                raise Disconnected("the server closed the session")
            return data

    def receive(self):
        """(type, serial, body) of the next message; raises Refused for REFUSED."""
        try:
            kind, serial, body = decode_header(self.recv_raw())
            if kind == REFUSED:
                raise decode_refused(body)
            if kind == PART:
                kind, serial, body = self._receive_parts(serial, body)
        except ClientError:
            self.close()
            raise
        return kind, serial, body

    def _receive_parts(self, serial, body):
        """The message of which the first part has come."""
        total, message = decode_part(body, 0, 0)
        message = bytearray(message)
        while len(message) < total:
            kind, next_serial, body = decode_header(self.recv_raw())
            if kind != PART or next_serial != serial:
                raise ProtocolError(f"message of type {kind}, serial {next_serial} between parts")
            message += decode_part(body, len(message), total)[1]
        kind, whole_serial, body = decode_header(bytes(message), whole=True)
        if whole_serial != serial:
            raise ProtocolError(f"message of serial {whole_serial} in parts of serial {serial}")
        return kind, serial, body

    def hello(self):
        """HELLO; returns what WELCOME says, or raises Refused."""
        self.send_raw(encode_hello(self.profile, self.comm, self.cgroup))
        kind, _, body = self.receive()
        try:
            if kind != WELCOME:
                raise ProtocolError(f"message of type {kind} in answer to HELLO")
            self.welcome = decode_welcome(body)
        except ClientError:
            self.close()
            raise
        return self.welcome

    def send_call(self, number, args=()):
        """Sends CALL and returns its serial; several may be under way."""
        serial = self.next_serial
        args = complete(OPERATIONS[number], args)
        limit = self.welcome.max_data if self.welcome else MAX_DATA
        message = encode_call(number, args, serial, limit)
        self.next_serial = (serial + 1) % 2**32
        self.send_message(message)
        self.pending.append((serial, number, args))
        return serial

    def send_message(self, message):
        """A message, in parts if it is long."""
        for packet in packets(message):
            self.send_raw(packet)

    def batch(self, calls):
        """All of the calls (number, arguments), or none: see decode_batch_result()."""
        if self.pending:
            raise ValueError("other calls are under way")
        calls = [(number, complete(OPERATIONS[number], args)) for number, args in calls]
        serial = self.next_serial
        message = encode_batch(calls, serial, self.welcome.max_data)
        self.next_serial = (serial + 1) % 2**32
        self.send_message(message)
        kind, answered, body = self.receive()
        try:
            if kind != BATCH_RESULT or answered != serial:
                raise ProtocolError(f"message of type {kind}, serial {answered} in answer to BATCH")
            return decode_batch_result(calls, body)
        except ClientError:
            self.close()
            raise

    def receive_result(self):
        """(code, value, outputs) of the oldest call under way."""
        kind, serial, body = self.receive()
        try:
            if kind != RESULT:
                raise ProtocolError(f"message of type {kind} in answer to CALL")
            if not self.pending:
                raise ProtocolError(f"RESULT of serial {serial} without a CALL")
            expected, number, args = self.pending.popleft()
            if serial != expected:
                raise ProtocolError(f"RESULT of serial {serial}, not {expected}")
            return decode_result(number, args, body)
        except ClientError:
            self.close()
            raise

    def call(self, op_number, args=()):
        """One call: (code, value, outputs by name)."""
        if self.pending:
            raise ValueError("other calls are under way")
        self.send_call(op_number, args)
        return self.receive_result()


def report(client, number, args):
    code, _, outputs = client.call(number, args)
    words = [f"{OPERATIONS[number].name}:", CODES[code]]
    words += [str(output) for output in outputs.values() if output is not None]
    print(*words, flush=True)


def main(argv):
    if len(argv) != 2:
        print("usage: protocol_client.py SOCKET", file=sys.stderr)
        return 1
    try:
        with Client(argv[1]) as client:
            client.hello()
            report(client, XM_GET_TIME, [0])
            report(client, XM_HALT_PARTITION, [1])
    except (ClientError, OSError) as error:
        print(f"protocol_client.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
