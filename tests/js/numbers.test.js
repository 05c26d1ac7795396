// Numbers as the page spells them.
import assert from "node:assert/strict"
import {test} from "node:test"
import {SPELL, grouped} from "../../kvviz/pages/kit/js/numbers.js"

const KIB = 2 ** 10, MIB = 2 ** 20, GIB = 2 ** 30
/** @type {(unit: keyof typeof SPELL, pairs: [number, string][]) => void} */
const spelled = (unit, pairs) => {
  for (const [value, text] of pairs) test(`${unit} of ${value} is ${text}`, () => assert.equal(SPELL[unit](value), text))
}

spelled("size", [[2 ** 35, "32.0 GiB"], [448 * MIB, "448.0 MiB"], [12 * KIB, "12.0 KiB"], [512, "512 B"],
                 [GIB - 1, "1.0 GiB"], [-2 * MIB, "-2.0 MiB"], [0, "0 B"]])
spelled("gib", [[GIB / 2, "0.50"], [999 * GIB, "999.00"], [1000 * GIB, "1,000.0"], [10_000 * GIB, "10,000"]])
spelled("gib1", [[GIB * 1.25, "1.3"]])
spelled("amount", [[0, "0.00 GiB"], [3 * MIB, "3.0 MiB"], [GIB, "1.00 GiB"]])
spelled("change", [[GIB, "−1.00 GiB"], [-GIB, "+1.00 GiB"], [0, "0.00 GiB"]])
spelled("count", [[1234567, "1,234,567"], [NaN, "unknown"]])
spelled("tenth", [[0.25, "0.3"]])
spelled("seconds", [[NaN, "none"], [0.0123456, "12.3 ms"], [0.9994, "999 ms"], [0.9996, "1 s"], [1234.5, "1,230 s"]])
spelled("percent", [[0, "0.0%"], [1e-17, "0.0%"], [0.0004, "<\u00a00.1%"], [0.5, "50.0%"], [0.9996, ">\u00a099.9%"],
                    [1, "100.0%"], [1.0002, ">\u00a0100.0%"]])
spelled("percent0", [[0.996, ">\u00a099%"], [1, "100%"], [NaN, "unknown"]])
spelled("equals", [[0.5, "= 50.0%"], [0.0004, "<\u00a00.1%"]])
spelled("fall", [[0, "0%"], [0.25, "−25%"], [0.004, ">\u00a0−1%"], [0.996, "<\u00a0−99%"]])

test("digits are grouped by thousands", () => assert.equal(grouped(1234.5, 2), "1,234.50"))
