/** Durable records that become due. */
export interface DueStore<R> {
  /**
   * Leases up to `limit` records that are due at `now`, the oldest first, by moving their due moment to `until`. Of several callers each gets
   * different ones; a record whose holder dies becomes due again at `until`.
   */
  leaseDue(now: number, until: number, limit: number): Promise<R[]>;
}
