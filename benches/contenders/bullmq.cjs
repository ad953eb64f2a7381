/* BullMQ on Node: a worker with 100 jobs at once, finished jobs kept, results heard of by its event stream.
 *
 * The measures are those of harness.py and meter.py, which see: the same names, the same figures, the same meter's file.
 * `node bullmq.cjs MEASURE FOLDER NUMBER` prints a line of JSON; its packages are where PENSTOCK_BENCH_NODE says. */
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");
const { spawn } = require("node:child_process");
const { setTimeout: pause } = require("node:timers/promises");

const fetch = createRequire(path.join(process.env.PENSTOCK_BENCH_NODE, "package.json"));
const { FlowProducer, Queue, QueueEvents, Worker } = fetch("bullmq");
const Redis = fetch("ioredis").default ?? fetch("ioredis");

const QUEUE = "bench";
const FILLER = "x".repeat(80);
const CALLERS = 100;
const CONCURRENCY = 100;
const PORTION = 1000; // jobs in one call in bulk
const ROUNDS = 3; // of enqueueing and draining beside delayed runs
const FAR = 30 * 86_400_000; // milliseconds
const QUIET = 3.0; // seconds until a worker has forgotten its last job
const SLOTS = 16; // worker processes; this and what follows: meter.py
const MARKS = 1 << 16;
const SLOT = 32;
const LONGEST = 6.0;
const LONGEST_SINGLY = 20.0;
const PATIENCE = 120.0;

const now = () => Number(process.hrtime.bigint()) / 1e9; // the clock of Python's time.monotonic()
const used = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/* The meter's file, written once in a millisecond at most: a write for each job would cost more than it should. */
class Meter {
  constructor(folder, slot = 0) {
    const size = SLOTS * SLOT + MARKS * 8;
    this.file = fs.openSync(path.join(folder, "meter"), fs.constants.O_RDWR | fs.constants.O_CREAT);
    if (fs.fstatSync(this.file).size < size) fs.ftruncateSync(this.file, size);
    this.slot = slot;
    this.calls = 0;
    this.flushing = false;
  }

  tick() {
    if (this.calls === 0) {
      this.first = now();
      this.firstUsed = used();
    }
    this.calls += 1;
    if (this.flushing) return;
    this.flushing = true;
    setTimeout(() => this.flush(), 1);
  }

  flush() {
    this.flushing = false;
    const row = Buffer.alloc(SLOT);
    row.writeBigInt64LE(BigInt(this.calls), 0);
    row.writeDoubleLE(this.first, 8);
    row.writeDoubleLE(now(), 16);
    row.writeDoubleLE(used() - this.firstUsed, 24);
    fs.writeSync(this.file, row, 0, SLOT, this.slot * SLOT);
  }

  mark(number) {
    const at = Buffer.alloc(8);
    at.writeDoubleLE(now());
    fs.writeSync(this.file, at, 0, 8, SLOTS * SLOT + number * 8);
  }

  marked(number) {
    const at = Buffer.alloc(8);
    fs.readSync(this.file, at, 0, 8, SLOTS * SLOT + number * 8);
    return at.readDoubleLE();
  }

  rows() {
    const all = Buffer.alloc(SLOTS * SLOT);
    fs.readSync(this.file, all, 0, all.length, 0);
    return Array.from({ length: SLOTS }, (_, slot) => ({
      calls: Number(all.readBigInt64LE(slot * SLOT)),
      first: all.readDoubleLE(slot * SLOT + 8),
      used: all.readDoubleLE(slot * SLOT + 24),
    })).filter((row) => row.calls > 0);
  }
}

/* Worker processes of this program. */
class Workers {
  constructor(folder, count, server) {
    const env = { ...process.env, PENSTOCK_BENCH_REDIS: server };
    const stdio = ["ignore", process.stderr, process.stderr];
    this.processes = Array.from({ length: count }, (_, slot) =>
      spawn(process.execPath, [__filename, "serve", folder, String(slot)], { env, stdio }),
    );
    this.ended = this.processes.map((one) => new Promise((resolve) => one.once("exit", resolve)));
  }

  check() {
    for (const one of this.processes) if (one.exitCode !== null) throw new Error(`a worker ended with ${one.exitCode}`);
  }

  async close() {
    for (const one of this.processes) one.kill("SIGTERM");
    const late = setTimeout(() => this.processes.forEach((one) => one.kill("SIGKILL")), 10_000);
    await Promise.all(this.ended);
    clearTimeout(late);
  }
}

const url = (name = "PENSTOCK_BENCH_REDIS") => process.env[name];
const connected = (server) => new Redis(server, { maxRetriesPerRequest: null });
const payload = (number) => ({ number, filler: FILLER });
const rate = (count, seconds) => ({ rate: count / seconds });

function spread(seconds) {
  const ordered = [...seconds].sort((one, other) => one - other);
  const last = Math.min(ordered.length - 1, Math.ceil(ordered.length * 0.99) - 1);
  return { p50_ms: ordered[Math.floor(ordered.length / 2)] * 1e3, p99_ms: ordered[last] * 1e3 };
}

async function waitFor(done, what, check = () => {}, progress = () => 0) {
  let seen = progress();
  let since = now();
  while (!(await done())) {
    check();
    await pause(2);
    if (progress() !== seen) [seen, since] = [progress(), now()];
    else if (now() - since > PATIENCE) throw new Error(`waited ${PATIENCE} s for ${what}`);
  }
}

async function withQueue(server, body) {
  const connection = connected(server);
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  try {
    return await body(queue, connection);
  } finally {
    await queue.close();
    await connection.quit();
  }
}

async function oneByOne(queue, count) {
  const end = now() + LONGEST;
  let done = 0;
  while (done < count && now() < end) {
    await queue.add("job", payload(done));
    done += 1;
  }
  return done;
}

async function atOnce(queue, count) {
  const callers = Array.from({ length: CALLERS }, () => oneByOne(queue, Math.floor(count / CALLERS)));
  return (await Promise.all(callers)).reduce((sum, done) => sum + done, 0);
}

async function fill(queue, count, opts) {
  const began = now();
  for (let start = 0; start < count; start += PORTION) {
    const jobs = [];
    for (let number = start; number < Math.min(start + PORTION, count); number += 1)
      jobs.push({ name: "job", data: payload(number), opts });
    await queue.addBulk(jobs);
  }
  return now() - began;
}

async function info(connection, section) {
  const lines = (await connection.info(section)).split("\r\n").filter((line) => line.includes(":"));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

async function processor(connection) {
  const said = await info(connection, "cpu");
  return Number(said.used_cpu_user) + Number(said.used_cpu_sys);
}

async function memory(connection) {
  const said = await info(connection, "memory");
  return Number(said.used_memory) - Number(said.mem_clients_normal) - Number(said.mem_aof_buffer ?? 0);
}

async function drained(connection, server, folder, count, workers) {
  const finished = () => connection.zcard(`bull:${QUEUE}:completed`);
  const meter = new Meter(folder);
  const calls = () => meter.rows().reduce((sum, row) => sum + row.calls, 0);
  const before = await finished();
  const began = await processor(connection);
  const processes = new Workers(folder, workers, server);
  try {
    const check = () => processes.check();
    await waitFor(() => calls() >= count, "all jobs to be called", check, calls);
    await waitFor(async () => (await finished()) - before >= count, "the last result", check);
    const seconds = now() - Math.min(...meter.rows().map((row) => row.first));
    const server_us = (((await processor(connection)) - began) / count) * 1e6;
    await pause(5); // the workers write their meters once more
    const cpu_us = (meter.rows().reduce((sum, row) => sum + row.used, 0) / count) * 1e6;
    return { rate: count / seconds, cpu_us, server_us };
  } finally {
    await processes.close();
  }
}

const drain = (folder, count, workers) =>
  withQueue(url(), async (queue, connection) => {
    await fill(queue, count);
    return drained(connection, url(), folder, count, workers);
  });

async function beside(folder, body) {
  const processes = new Workers(folder, 1, url());
  const events = new QueueEvents(QUEUE, { connection: connected(url()) });
  await events.waitUntilReady();
  try {
    return await withQueue(url(), async (queue) => {
      const first = await queue.add("probe", payload(0));
      await first.waitUntilFinished(events, 20_000);
      return body(queue, events);
    });
  } finally {
    await processes.close();
    await events.close();
  }
}

async function singly(count, measure) {
  const took = [];
  const end = now() + LONGEST_SINGLY;
  for (let number = 1; number <= count && now() < end; number += 1) {
    await pause(50 + 100 * Math.random());
    took.push(await measure(number));
  }
  return spread(took);
}

const MEASURES = {
  enqueue_one: (folder, count) =>
    withQueue(url(), async (queue) => {
      await queue.add("job", payload(0));
      const began = now();
      return rate(await oneByOne(queue, count), now() - began);
    }),

  enqueue_100: (folder, count) =>
    withQueue(url(), async (queue) => {
      await atOnce(queue, CALLERS);
      const began = now();
      return rate(await atOnce(queue, count), now() - began);
    }),

  enqueue_many: (folder, count) =>
    withQueue(url(), async (queue) => {
      await fill(queue, PORTION);
      return rate(count, await fill(queue, count));
    }),

  async waiting(folder, count) {
    const asked = connected(url());
    await withQueue(url(), (queue) => fill(queue, 1));
    const before = await memory(asked);
    await withQueue(url(), (queue) => fill(queue, count));
    const bytes = ((await memory(asked)) - before) / count;
    await asked.quit();
    return { bytes };
  },

  drain_1: (folder, count) => drain(folder, count, 1),
  drain_2: (folder, count) => drain(folder, count, 2),

  pickup: (folder, count) =>
    beside(folder, (queue) => {
      const meter = new Meter(folder);
      return singly(count, async (number) => {
        const began = now();
        await queue.add("probe", payload(number));
        while (!meter.marked(number)) await pause(2);
        return meter.marked(number) - began;
      });
    }),

  round_trip: (folder, count) =>
    beside(folder, (queue, events) =>
      singly(count, async (number) => {
        const began = now();
        const job = await queue.add("probe", payload(number));
        await job.waitUntilFinished(events, 10_000);
        return now() - began;
      }),
    ),

  flow: (folder, count) =>
    beside(folder, async (queue, events) => {
      const producer = new FlowProducer({ connection: connected(url()) });
      await producer.waitUntilReady();
      const node = (number) => ({ name: "job", queueName: QUEUE, data: payload(number) });
      const numbered = (length) => Array.from({ length }, (_, number) => node(number));
      async function flows(number, children) {
        const began = now();
        const trees = numbered(number).map((one) => ({ ...one, children: numbered(children) }));
        const stored = number > 1 ? await producer.addBulk(trees) : [await producer.add(trees[0])];
        await Promise.all(stored.map((one) => one.job.waitUntilFinished(events, 60_000)));
        return now() - began;
      }
      events.setMaxListeners(0); // one for each that is waited for
      await flows(2, 3);
      const found = { wide_s: await flows(1, count), many_s: await flows(Math.floor(count / 5), 10) };
      await producer.close();
      return found;
    }),

  async idle(folder, seconds) {
    const processes = new Workers(folder, 1, url());
    const events = new QueueEvents(QUEUE, { connection: connected(url()) });
    await events.waitUntilReady();
    await withQueue(url(), async (queue) => (await queue.add("probe", payload(0))).waitUntilFinished(events, 20_000));
    await events.close();
    await pause((seconds <= 5 ? QUIET : 4 * QUIET) * 1000);
    const asked = connected(url());
    const monitor = await asked.monitor();
    let [commands, scripts] = [0, 0];
    monitor.on("monitor", (at, words, source) => {
      if (source === "lua") return;
      commands += 1;
      scripts += words[0].toUpperCase().startsWith("EVAL");
    });
    await pause(seconds * 1000);
    const found = { calls_per_s: scripts / seconds, commands_per_s: commands / seconds };
    monitor.disconnect();
    await asked.quit();
    await processes.close();
    return found;
  },

  async depth(folder, delayed) {
    const jobs = delayed < 1_000_000 ? 2_000 : 10_000;
    const names = ["PENSTOCK_BENCH_REDIS_EMPTY", "PENSTOCK_BENCH_REDIS"];
    const found = {};
    for (const name of names) {
      const connection = connected(url(name));
      const place = path.join(folder, name);
      fs.mkdirSync(place);
      const queue = new Queue(QUEUE, { connection });
      found[name] = { connection, place, queue, there: 0, enqueueing: [], draining: [] };
    }
    await fill(found[names[1]].queue, delayed, { delay: FAR });
    for (let round = 0; round < ROUNDS; round += 1)
      for (const name of names) {
        const one = found[name];
        const began = now();
        const done = await oneByOne(one.queue, jobs);
        one.enqueueing.push(done / (now() - began));
        one.there += done;
      }
    for (let round = 0; round < ROUNDS; round += 1)
      for (const name of names) {
        const one = found[name];
        await fill(one.queue, jobs);
        fs.rmSync(path.join(one.place, "meter"), { force: true });
        one.draining.push((await drained(one.connection, url(name), one.place, one.there + jobs, 1)).rate);
        one.there = 0;
      }
    for (const name of names) {
      await found[name].queue.close();
      await found[name].connection.quit();
    }
    const median = (figures) => [...figures].sort((one, other) => one - other)[Math.floor(figures.length / 2)];
    const [empty, deep] = names.map((name) => found[name]);
    return {
      enqueue_ratio: median(deep.enqueueing) / median(empty.enqueueing),
      drain_ratio: median(deep.draining) / median(empty.draining),
    };
  },
};

async function serve(folder, slot) {
  const meter = new Meter(folder, slot);
  const connection = connected(url());
  const process_ = async (job) => {
    if (job.name === "probe") meter.mark(job.data.number);
    else meter.tick();
    return job.data.number;
  };
  const worker = new Worker(QUEUE, process_, { connection, concurrency: CONCURRENCY });
  worker.on("error", (error) => console.error(error));
  process.once("SIGTERM", async () => {
    await worker.close(true);
    connection.disconnect();
    process.exit(0);
  });
}

async function main() {
  const [name, folder, number] = process.argv.slice(2);
  if (name === "serve") return serve(folder, Number(number));
  console.log(JSON.stringify(await MEASURES[name](folder, Number(number))));
  return process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
