"""The memory of Redis servers: what they do when it is full, how full it is, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator

from ..._system.quantities import bytes_text, count_text, duration_text
from ..findings import CRITICAL, OK, WARNING
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.bench import BenchTarget
from ..targets.redis_instance import CACHE, QUEUE, RedisInstance

MEBIBYTE = 1024 * 1024
NO_EVICTION = "noeviction"
CACHE_POLICIES = ("allkeys-lru", "allkeys-lfu")
# The constants of MEMORY DOCTOR in Redis' own object.c: below these nothing is worth a word.
LEAST_USED_BYTES = 5 * MEBIBYTE
LEAST_WASTE_BYTES = 10 * MEBIBYTE
FRAGMENTED_RATIO = 1.4
ALLOCATOR_RATIO = 1.1
SWAPPED_RATIO = 0.8
# Fewer look-ups than this say nothing of a cache.
LEAST_LOOKUPS = 1000


@check(
    "R02",
    "redis.policy",
    title="Cache and queue each behave as they must when memory is full",
    subject="redis",
    target=BenchTarget,
    measures="whether the queue never evicts, the cache does within a limit, and the two are different servers",
    source="INFO memory and server of both servers of the bench",
    unit="bool",
    warning="0",
    impact="critical",
    remediation=Remediation(
        "Give cache and queue a server each; set maxmemory-policy noeviction for the queue, and maxmemory with "
        "allkeys-lru for the cache, by CONFIG SET and in the bench's config/redis_*.conf."
    ),
    reference="bench's templates of redis_cache.conf and redis_queue.conf; Redis' documentation of eviction",
)
def policy(target: BenchTarget) -> Iterator[Measurement]:
    """Compare what both servers are set to."""
    cache, queue = target.redis_instances
    limit, name = queue.number("maxmemory"), str(queue.info.get("maxmemory_policy"))
    if name == NO_EVICTION:
        yield Measurement(0, QUEUE, "the queue never evicts a job")
    elif limit:
        yield Measurement(1, QUEUE, f"the queue throws jobs away when its memory is full ({name})", severity=CRITICAL)
    else:
        yield Measurement(1, QUEUE, f"the queue would throw jobs away ({name}) as soon as it is given a limit")
    limit, name = cache.number("maxmemory"), str(cache.info.get("maxmemory_policy"))
    if not limit:
        yield Measurement(1, CACHE, "the cache has no limit of memory and grows until the host has none left")
    elif name not in CACHE_POLICIES:
        yield Measurement(1, CACHE, f"the cache refuses writes when it is full ({name}): most of its keys never expire")
    else:
        yield Measurement(0, CACHE, f"the cache keeps to {bytes_text(limit)} ({name})")
    # Two databases of one server have different addresses, but one memory and one policy.
    if cache.info.get("run_id") == queue.info.get("run_id"):
        yield Measurement(1, "shared", "cache and queue are the same server, so one of them is set wrong", (), CRITICAL)
    else:
        yield Measurement(0, "shared", "cache and queue are different servers")


@check(
    "R03",
    "redis.evictions",
    title="Keys that Redis throws away",
    subject="redis",
    target=RedisInstance,
    measures="evicted keys in a second; in a queue any is one too many",
    source="INFO stats, evicted_keys",
    unit="per_second",
    warning="100",
    impact="critical",
    remediation=Remediation("Raise maxmemory of the cache; set maxmemory-policy noeviction for the queue at once."),
    reference="own proposal (100 a second); RQ's jobs are keys that nothing can bring back",
    is_sampled=True,
)
def evictions(target: RedisInstance) -> Iterator[Measurement]:
    """See whether memory was full meanwhile."""
    evicted, seconds = target.rates.increase("evicted_keys"), target.rates.seconds
    loses_jobs = QUEUE in target.roles and evicted > 0
    what = "job or other key" if loses_jobs else "key"
    yield Measurement(
        evicted / seconds,
        text=f"{count_text(int(evicted), what)} thrown away in {duration_text(seconds)}",
        severity=CRITICAL if loses_jobs else "",
    )


@check(
    "R04",
    "redis.memory",
    title="Memory of Redis",
    subject="redis",
    target=RedisInstance,
    measures="used memory in percent of maxmemory, or of the host's memory where there is no limit",
    source="INFO memory",
    unit="percent",
    warning="80",
    critical="90",
    impact="critical",
    remediation=Remediation(
        "Empty what piled up (failed jobs, a queue without workers), or raise maxmemory; a full queue refuses jobs."
    ),
    reference="awesome-prometheus-alerts RedisOutOfConfiguredMaxmemory",
)
def memory(target: RedisInstance) -> Iterator[Measurement]:
    """Compare use with the limit."""
    used, limit = target.number("used_memory"), target.number("maxmemory")
    whole = limit or target.number("total_system_memory")
    name = str(target.info.get("maxmemory_policy"))
    evicts = bool(limit) and name in CACHE_POLICIES and QUEUE not in target.roles
    share = 100 * used / whole
    text = f"{bytes_text(used)} of {bytes_text(whole)} {'' if limit else 'of the host '}are used"
    peak = f"the peak was {bytes_text(target.number('used_memory_peak'))}"
    # A full cache that evicts is as it should be; R03 tells when it evicts too much.
    yield Measurement(share, text=text, evidence=(peak,), severity=OK if evicts else "")


@check(
    "R06",
    "redis.fragmentation",
    title="Memory that Redis holds without using it",
    subject="redis",
    target=RedisInstance,
    measures="resident over used memory, and the allocator's own share of it; below 1 a part is swapped out",
    source="INFO memory",
    unit="ratio",
    impact="low",
    remediation=Remediation(
        "CONFIG SET activedefrag yes, or restart it at a quiet time; where it is swapped out, give the host memory."
    ),
    reference="MEMORY DOCTOR of Redis (object.c)",
)
def fragmentation(target: RedisInstance) -> Iterator[Measurement]:
    """Judge as Redis' own doctor does."""
    used = target.number("used_memory")
    ratio = target.number("mem_fragmentation_ratio")
    if used < LEAST_USED_BYTES:
        yield Measurement(ratio, text=f"{bytes_text(used)} are too few to judge", severity=OK)
        return
    waste = target.number("mem_fragmentation_bytes")
    if ratio < 1:
        severity, text = WARNING, f"only {100 * ratio:.0f} % of its memory is resident: the rest is swapped out"
        severity = CRITICAL if ratio < SWAPPED_RATIO else severity
    else:
        is_wasted = ratio > FRAGMENTED_RATIO and waste > LEAST_WASTE_BYTES
        severity, text = WARNING if is_wasted else OK, f"{bytes_text(waste)} are held beyond what is used"
    yield Measurement(ratio, text=text, severity=severity)
    allocator_ratio = target.number("allocator_frag_ratio")
    allocator_waste = target.number("allocator_frag_bytes")
    is_wasted = allocator_ratio > ALLOCATOR_RATIO and allocator_waste > LEAST_WASTE_BYTES
    text = f"{bytes_text(allocator_waste)} lie between what the allocator gave out"
    yield Measurement(allocator_ratio, "allocator", text, severity=WARNING if is_wasted else OK)


@check(
    "R07",
    "redis.hit_rate",
    title="Look-ups that the cache answers",
    subject="redis",
    target=RedisInstance,
    measures="hits in percent of look-ups, where there were enough",
    source="INFO stats, keyspace_hits and keyspace_misses",
    unit="percent",
    warning="80:",
    critical="50:",
    impact="info",
    remediation=Remediation("Raise maxmemory of the cache when it evicts; find what clears the cache again and again."),
    reference="own proposal",
    is_sampled=True,
)
def hit_rate(target: RedisInstance) -> Iterator[Measurement]:
    """Compare hits with misses."""
    if CACHE not in target.roles:
        raise NotApplicableError("only a cache is asked for what it may not have")
    hits = target.rates.increase("keyspace_hits")
    lookups = hits + target.rates.increase("keyspace_misses")
    if lookups < LEAST_LOOKUPS:
        raise NotApplicableError(
            f"{lookups:.0f} look-ups in {duration_text(target.rates.seconds)} are too few to judge"
        )
    share = 100 * hits / lookups
    yield Measurement(share, text=f"{share:.0f} % of {lookups:.0f} look-ups were answered")
