import postgres from "postgres";
import { pino } from "pino";
