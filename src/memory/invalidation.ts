/** Who keeps what was derived from guest memory: told before the bytes change that it was derived from. */

export interface CodeKeeper {
  codeWritten(hostAddress: number, length: number): void;
}

export interface PageTableKeeper {
  /** Whether anything that is kept still comes out of tables on this page. */
  pageTableWritten(page: number, hostAddress: number, length: number): boolean;
}

export interface ReservationKeeper {
  reservedWritten(hostAddress: number, length: number): void;
}

/** Keepers enter themselves when they are made, so that none is forgotten. Page flags say which writes concern them. */
export class Invalidation {
  readonly #code: CodeKeeper[] = [];
  readonly #pageTables: PageTableKeeper[] = [];
  readonly #reservations: ReservationKeeper[] = [];

  tellOfCode(keeper: CodeKeeper): void {
    this.#code.push(keeper);
  }

  tellOfPageTables(keeper: PageTableKeeper): void {
    this.#pageTables.push(keeper);
  }

  tellOfReservations(keeper: ReservationKeeper): void {
    this.#reservations.push(keeper);
  }

  codeWritten(hostAddress: number, length: number): void {
    for (const keeper of this.#code) keeper.codeWritten(hostAddress, length);
  }

  /** Whether the page still is one that translations come out of. */
  pageTableWritten(page: number, hostAddress: number, length: number): boolean {
    let needed = false;
    for (const keeper of this.#pageTables) {
      if (keeper.pageTableWritten(page, hostAddress, length)) needed = true;
    }
    return needed;
  }

  reservedWritten(hostAddress: number, length: number): void {
    for (const keeper of this.#reservations) keeper.reservedWritten(hostAddress, length);
  }
}
