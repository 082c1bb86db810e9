/** A report: printed, or read. */

import { part } from "../dom.js";

part("print").addEventListener("click", () => window.print());
