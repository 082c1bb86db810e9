/** The goods of one sale. No document here: tested on its own. */

export const AMOUNT_MAX = 1_000_000;
const LINES_MAX = 200;
const QUANTITY_MAX = 999;

/** @typedef {{ jan?: string, name: string, unit_price: number, quantity: number }} Line */

export class Cart {
  /** @type {Line[]} */
  lines = [];

  /** The sum in yen. */
  get total() {
    return this.lines.reduce((sum, line) => sum + line.unit_price * line.quantity, 0);
  }

  /** How many pieces. */
  get count() {
    return this.lines.reduce((sum, line) => sum + line.quantity, 0);
  }

  /**
   * Puts one piece in.
   * @param {{ jan?: string, name: string, unit_price: number }} product without a JAN code: a line
   *   of its own
   * @returns {boolean} false if the sale would grow past what one payment may be
   */
  add({ jan, name, unit_price }) {
    const line =
      jan && this.lines.find((known) => known.jan === jan && known.unit_price === unit_price);
    if (line) return this.setQuantity(line, line.quantity + 1);
    if (this.total + unit_price > AMOUNT_MAX || this.lines.length >= LINES_MAX) return false;
    this.lines.push({ ...(jan ? { jan } : {}), name, unit_price, quantity: 1 });
    return true;
  }

  /**
   * Changes how many; none removes the line.
   * @returns {boolean} false if the sale would grow past what one payment may be
   */
  setQuantity(line, quantity) {
    const total = this.total + (quantity - line.quantity) * line.unit_price;
    if (quantity > QUANTITY_MAX || total > AMOUNT_MAX) return false;
    line.quantity = quantity;
    this.lines = this.lines.filter((known) => known.quantity > 0);
    return true;
  }

  /** Empties it. */
  clear() {
    this.lines = [];
  }
}
