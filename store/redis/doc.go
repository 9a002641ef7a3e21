// Package redis is a writ.Store in Redis (6.2 or later) or Valkey: the store of a program that runs on
// many machines and wants its sessions in memory.
//
//	store, err := redis.Open(ctx, redis.Config{URL: "rediss://writ@redis.example:6379/0", PasswordFile: "/run/secrets/redis"})
//	if err != nil { ... }
//	defer store.Close()
//
// Every process that opens the same server under the same Prefix has the same store. They see each
// other's rows at once and each other's revocations within a few milliseconds. While a Tail waits, the
// Store has one more connection, on which the server tells of news (XREAD BLOCK). That is only a hint to
// look: Tail also looks every second, and every 200 ms as long as that connection does not work.
//
// # The URL
//
//	redis://user:password@host:6379/0          one server, and the number of a database
//	redis+cluster://host1:6379,host2:6379      a cluster: some of its servers
//	redis+sentinel://host1:26379,host2/mymaster/0    what Sentinels call mymaster
//
// With rediss for redis the connection is TLS, and the server's certificate is verified for the name,
// or the IP address, that is dialled: a cluster and Sentinels hand out addresses of their own. The
// parameters, behind a question mark: prefix, replicas, replicas-timeout, password-file, timeout,
// poll-only, eviction-may-end-sessions and crash-may-lose-writes are the fields of Config; tls-ca,
// tls-cert and tls-key name PEM files, of which the last two are read again for each connection;
// sentinel-user and sentinel-password-file are for Sentinels that want a password. Any other is refused.
//
// # What is never lost
//
// What is acknowledged has been done on the primary; no answer ever comes from a replica. What then
// survives is for the server to decide:
//
//   - A crash of the server (kill -9, out of memory): appendonly yes. Open refuses a server without it.
//   - A power cut: appendfsync always too. With everysec the last one or two seconds may be lost. The
//     server does not tell which it is.
//   - A failover: Config.Replicas. The replicas of Redis lag behind, and a failover loses what they do
//     not have. With Replicas 1 a write is acknowledged when a replica has it, and a row is read when
//     a replica has what is read. That makes a loss unlikely; only a replica that has it and is chosen
//     makes it impossible, which is so with one replica, or with as many Replicas as there are.
//   - A primary that is cut off, and does not know that another has taken its place: set
//     min-replicas-to-write 1 and min-replicas-max-lag 10 on the servers. It then refuses to write, and
//     so to answer, after ten seconds.
//
// Rows and revocations that were lost all the same do not go unnoticed: the log's followers see that a
// place is missing that they had been given (revocation.ErrRegressed), and a Manager appends again what
// it knows. A server that was emptied answers nothing until a follower has seen that; it never says
// that a session does not exist, as long as it is not begun anew.
//
// A write whose answer is lost is tried again by this package, without being done twice. An error from
// Save or Append means that it was done, or not: try again.
//
// # Memory
//
// The maxmemory-policy must be noeviction or one of volatile-*: no key here has a time to live, so that
// these remove none of them. Open refuses allkeys-*: what that removes signs people out, or revives what
// was revoked. When memory is full, writes fail until there is room; reading and Purge go on. One
// million sessions of 300 bytes take about 0.7 GB, one million revocations 0.4 GB.
//
// What the server does not tell, as managed ones often do not, Open takes for bad: set the waiver
// (EvictionMayEndSessions, CrashMayLoseWrites) if you know from elsewhere that it is good. With both set
// it asks for nothing. It asks one server, once: configure all of a cluster alike.
//
// # One hash slot
//
// All keys of a store begin with its Prefix in braces, and so lie in one hash slot. A row is found by its
// ID alone, and must be written in one step with its owner's cutoff and the log of revocations; only a
// script on one slot does that. So a cluster gives a store failover, not more writes: it has those of
// one server, some ten thousand refreshes a second. Several programs take several prefixes. Moving the
// slot of a big store to another node of a cluster holds up both nodes for seconds: its keys are few
// and large.
//
// The server answers nobody else while it runs a script. An Append of 10,000 entries takes about 0.1 s,
// the longest Tail 20 ms, every other call a few milliseconds at most: split a larger Append, unless it
// must be one.
//
// # Rights
//
// A user for the store alone, whose Prefix is writ:
//
//	ACL SETUSER writ on >password resetkeys ~{writ}:* -@all +hello +info +wait +eval +evalsha +persist
//	    +del +time +hget +hset +hmget +hdel +zadd +zrem +zrangebylex +zrangebyscore +zrevrange +zscore +xadd +xrevrange +xread
//
// and in a cluster +cluster|slots +command too. Without xread there is no connection that tells of
// news, and nobody says so: Tail polls. A database that is used otherwise as well is fine; a prefix is
// for one store.
//
// The driver prints to the standard error what goes wrong with its connections. Its redis.SetLogger
// changes that, for the whole program.
package redis
