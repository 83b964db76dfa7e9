"""Work that outlives the process that does it: from the inbox to a worker, and what if one dies.

    inbox row --choose--> started --dbos queue--> a worker's Runner --perform--> done
                            |                          |-- GitHub not to be had --> waiting, later
                            |                          |-- a newer push, a stop --> waiting
                            |                          '-- too often, or a bug  --> dead
                            '-- its worker died: the watchdog resumes it

The row is the truth; dbos brings it to exactly one living worker. Whatever is lost between the two
(a crash between two commits) the watchdog finds and does again: everything here may happen twice.
"""
