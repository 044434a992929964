// `node server.mjs PORT FOLDER`: express-pouchdb over LevelDB, as pouchdb-server does it.

import path from "node:path";
import express from "express";
import expressPouchDB from "express-pouchdb";
import PouchDB from "pouchdb";

const [port, folder] = process.argv.slice(2);
const Stored = PouchDB.defaults({ prefix: `${folder}${path.sep}` });
const options = { mode: "minimumForPouchDB", inMemoryConfig: true, logPath: "/dev/null" };
express().use("/", expressPouchDB(Stored, options)).listen(Number(port), "127.0.0.1");
