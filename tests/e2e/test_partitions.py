#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several partitions, each a Linux with its own broker, policy and user, on one simulated hypervisor:
they exchange messages in order while a third suspends and resumes one, and one that is reset goes on."""

import os
import re
import signal
import subprocess
import time

from harness import (ALICE, BOB, CAROL, Broker, Folder, SANITIZED, Session, as_user, program, run_all,
                     wait_for)

MANAGER, PRODUCER, CONSUMER = 0, 1, 2
DEPTH, SIZE = 64, 32
MESSAGES = 20000 if SANITIZED else 100000
READY, SUSPENDED = 1, 2

XML = """\
<SystemDescription xmlns="http://www.xtratum.org/xm-3.x" version="1.0.0" name="partitions">
  <HwDescription>
    <MemoryLayout><Region type="ram" start="0x0" size="512MB"/></MemoryLayout>
    <ProcessorTable>
      <Processor id="0">
        <CyclicPlanTable>
          <Plan id="0" majorFrame="3ms">
            <Slot id="0" start="0ms" duration="1ms" partitionId="0"/>
            <Slot id="1" start="1ms" duration="1ms" partitionId="1"/>
            <Slot id="2" start="2ms" duration="1ms" partitionId="2"/>
          </Plan>
        </CyclicPlanTable>
      </Processor>
    </ProcessorTable>
    <Devices><Uart id="0" baudRate="115200" name="Uart"/></Devices>
  </HwDescription>
  <XMHypervisor console="Uart"><PhysicalMemoryArea size="4MB"/></XMHypervisor>
  <PartitionTable>
    <Partition id="0" name="manager" flags="system" console="Uart">
      <PhysicalMemoryAreas><Area start="0x4000000" size="1MB"/></PhysicalMemoryAreas>
    </Partition>
    <Partition id="1" name="producer" console="Uart">
      <PhysicalMemoryAreas><Area start="0x5000000" size="1MB"/></PhysicalMemoryAreas>
      <PortTable><Port name="out" type="queuing" direction="source"/></PortTable>
    </Partition>
    <Partition id="2" name="consumer" console="Uart">
      <PhysicalMemoryAreas><Area start="0x6000000" size="1MB"/></PhysicalMemoryAreas>
      <PortTable><Port name="in" type="queuing" direction="destination"/></PortTable>
    </Partition>
  </PartitionTable>
  <Channels>
    <QueuingChannel maxNoMessages="%d" maxMessageLength="%dB">
      <Source partitionId="1" portName="out"/>
      <Destination partitionId="2" portName="in"/>
    </QueuingChannel>
  </Channels>
</SystemDescription>
""" % (DEPTH, SIZE)

RULES = {
    MANAGER: (CAROL, '["@partition", "@status"]'),
    PRODUCER: (ALICE, "[XM_create_queuing_port, XM_send_queuing_message]\n      "
                      "where: {portName: out}"),
    CONSUMER: (BOB, "[XM_create_queuing_port, XM_receive_queuing_message]\n      "
                    "where: {portName: in}"),
}


class System(Folder):
    """xmsim, and a broker in each partition that serves one user and permits what he needs."""

    def __enter__(self):
        self.brokers = []
        xml = self.file("system.xml", XML)
        try:
            with open(self.file("log"), "wb") as log:
                self.process = subprocess.Popen(
                    [program("xmsim"), "--config", xml, "--dir", self.file("sim"), "--console",
                     self.file("console")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True)
            wait_for("xmsim", lambda: os.path.exists(self.file("sim/p2.ctl")))
            os.chmod(self.file("sim"), 0o755)
            for partition in RULES:
                os.chmod(self.file("sim/p%d.ctl" % partition), 0o666)
                self.brokers.append(self.broker(xml, partition))
        except BaseException:
            self.__exit__()
            raise
        return self

    def broker(self, xml, partition):
        user, rule = RULES[partition]
        policy = ("version: 1\nsystem: %s\nroles:\n  r:\n    - allow: %s\n"
                  "      audit: denied\ngrants:\n  - {to: \"user:%d\", roles: [r]}\n"
                  % (xml, rule, user))
        return Broker(policy, "xmsim:" + self.file("sim/p%d.ctl" % partition))

    def __exit__(self, *exc):
        for broker in self.brokers:
            broker.__exit__()
        self.process.terminate()
        self.process.wait()
        super().__exit__()

    def stream(self, partition, way, port, count=MESSAGES):
        """An end of the queue, as the user of its partition."""
        command = [program("tests/stream"), way, port, str(DEPTH), str(SIZE), str(count)]
        return subprocess.Popen(command, env=self.brokers[partition].environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
                                **as_user(RULES[partition][0]))

    def manager(self):
        return Session(self.brokers[MANAGER], CAROL)


def result(process):
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, (out, error)
    return [int(n) for n in re.search(r"messages (\d+) interruptions (\d+) lost (\d+)",
                                      out).groups()]


def state(session, partition):
    value, _, fields = session.answer("partition_status %d" % partition)
    assert value == 0
    return fields["state"]


def test_messages_arrive_in_order_while_the_consumer_is_suspended():
    with System() as system, system.manager() as manager:
        begin = time.monotonic()
        consumer = system.stream(CONSUMER, "receive", "in")
        producer = system.stream(PRODUCER, "send", "out")
        assert consumer.stdout.readline() == "begun\n"
        suspensions = 0
        while producer.poll() is None:
            assert manager.call("suspend %d" % CONSUMER)[0] == 0
            assert state(manager, CONSUMER) == SUSPENDED
            time.sleep(0.05)
            assert manager.call("resume %d" % CONSUMER)[0] == 0
            suspensions += 1
            time.sleep(0.3)
        assert result(producer) == [MESSAGES, 0, 0]
        assert result(consumer) == [MESSAGES, 0, 0]
        took = time.monotonic() - begin
        print("# %d messages in %.1f s, consumer suspended %d times" % (MESSAGES, took, suspensions))
        assert suspensions > 0
        assert SANITIZED or took < 40


def test_nothing_passes_to_a_suspended_consumer():
    with System() as system, system.manager() as manager:
        consumer = system.stream(CONSUMER, "receive", "in", 4 * DEPTH)
        producer = system.stream(PRODUCER, "send", "out", 2)
        assert result(producer) == [2, 0, 0]
        assert consumer.stdout.readline() == "begun\n"
        assert manager.call("suspend %d" % CONSUMER)[0] == 0
        producer = system.stream(PRODUCER, "send", "out", 4 * DEPTH)
        time.sleep(0.5)
        assert producer.poll() is None, "a queue of %d took %d" % (DEPTH, 4 * DEPTH)
        producer.kill()
        consumer.kill()
        for process in (producer, consumer):
            process.communicate()
        assert manager.call("resume %d" % CONSUMER)[0] == 0


def test_a_partition_that_is_reset_goes_on():
    with System() as system, system.manager() as manager:
        consumer = system.stream(CONSUMER, "receive", "in", MESSAGES // 4)
        producer = system.stream(PRODUCER, "send", "out", MESSAGES // 4)
        assert consumer.stdout.readline() == "begun\n"
        producer.send_signal(signal.SIGSTOP)  # so that the stream is not over before the first reset
        for count in range(1, 4):
            time.sleep(0.05)
            assert manager.call("reset %d 1 7" % CONSUMER)[0] == 0
            wait_for("the consumer to run",
                     lambda: manager.answer("partition_status %d" % CONSUMER)[2]["resetCounter"] == count)
            producer.send_signal(signal.SIGCONT)
        passed, interruptions, lost = result(consumer)
        # What was on its way when the partition went may be lost, and nothing else.
        assert 0 < interruptions <= 20 and lost <= 3, (passed, interruptions, lost)
        assert passed + lost == MESSAGES // 4
        assert result(producer) == [MESSAGES // 4, 0, 0]
        assert state(manager, CONSUMER) == READY


def test_a_plain_partition_may_not_suspend_the_other():
    with System() as system:
        done = system.brokers[PRODUCER].calls(ALICE, "suspend %d" % CONSUMER)
        assert done == [(-4, "EPERM")], done


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
