; The falling capsule: one frame of gravity, moves, rotation; lock, throw and spawn.
.include "ram.inc"
.include "routines.inc"

REPEAT_FIRST = 16               ; frames until a held direction moves again ...
REPEAT_BACK = 10                ; ... and the counter's value after it did: every 6 frames
REPEAT_BLOCKED = 15             ; against cells: move as soon as they are gone
THROW_FRAMES = 22
MAX_SPEEDUPS = 49

.segment "CODE"

; One frame of the player at work, by its action state.
.proc capsule_frame
  lda P + O_ACTION
  asl a
  tax
  lda action_table + 1, x
  pha
  lda action_table, x
  pha
  rts
.endproc

action_table:
  .addr falling - 1, resolve_frame - 1, attacks - 1, spawned - 1
  .addr idle - 1, pass - 1, throwing - 1

.proc pass
  lda #0
  sta throw_step
  lda #ACT_THROWING
  sta P + O_ACTION
  rts
.endproc

; The one-frame hand-over: input counts from the frame after.
.proc spawned
  lda #ACT_FALLING
  sta P + O_ACTION
  rts
.endproc

idle:
  rts

; At LOW the throw advances on odd frames only; two players throw nothing.
.proc throwing
  jsr two_play
  bcs spawn
  lda P + O_SPEED
  bne @advance
  lda frame_counter
  lsr a
  bcc idle
@advance:
  inc throw_step
  ldx throw_step
  lda throw_rot, x
  sta P + O_NEXT_ROT            ; the spin
  cpx #THROW_FRAMES
  bcc idle
  ; fall through
.endproc

.proc spawn
  lda P + O_NEXT1
  sta P + O_COLOUR1
  lda P + O_NEXT2
  sta P + O_COLOUR2
  jsr load_next
  lda #3
  sta P + O_X
  lda #15
  sta P + O_Y
  lda #0
  sta P + O_ROT
  sta P + O_NEXT_ROT
  sta P + O_GRAVITY
  jsr count_capsule
  jsr fits
  bcs @lost
  lda #ACT_SPAWNED
  sta P + O_ACTION
  rts
@lost:
  lda #0
  sta pause_allowed
  lda #1
  sta P + O_LOST
  jsr stamp                     ; the rejected capsule stays visible
  lda #0
  sta P + O_REDRAW
  lda #ACT_IDLE
  sta P + O_ACTION
  rts
.endproc

; Every tenth capsule the gravity index goes up.
.proc count_capsule
  lda P + O_COUNT
  jsr bcd_up
  sta P + O_COUNT
  bne :+
  inc P + O_COUNT_HIGH
: and #15
  bne @done
  lda no_speedups
  bne @done
  lda P + O_SPEEDUPS
  cmp #MAX_SPEEDUPS
  bcs @done
  inc P + O_SPEEDUPS
@done:
  rts
.endproc

; --- one falling frame: vertical, horizontal, rotation, in this order ----------------------
.proc falling
  jsr fall
  bcs @locked
  jsr shift
  jmp rotate
@locked:
  jmp lock
.endproc

; Carry set: the capsule rests on something.
.proc fall
  lda frame_counter
  lsr a
  bcc @gravity
  lda held                      ; exactly Down, every other frame
  and #$0F
  cmp #BTN_DOWN
  beq @drop
@gravity:
  inc P + O_GRAVITY
  lda P + O_SPEEDUPS
  sta P + O_SPEED_INDEX
  ldx P + O_SPEED
  clc
  adc speed_base, x
  tax
  lda P + O_GRAVITY
  cmp frames_per_row, x
  bcs @drop
  rts
@drop:
  lda #0
  sta P + O_GRAVITY
  dec P + O_Y
  jsr fits
  bcc @done
  inc P + O_Y                   ; leaves the carry alone
@done:
  rts
.endproc

.proc lock
  jsr stamp
  lda #0
  sta P + O_STEP
  lda #ACT_RESOLVING
  sta P + O_ACTION
  lda #15                       ; redraw from the lower cell's row upwards
  sec
  sbc P + O_Y
  sta P + O_REDRAW
  rts
.endproc

; Moves need the held bit; a fresh press only restarts the repeat.
.proc shift
  lda pressed
  and #BTN_LEFT | BTN_RIGHT
  beq @repeat
  lda #0
  sta P + O_REPEAT
  beq @move
@repeat:
  lda held
  and #BTN_LEFT | BTN_RIGHT
  beq @done
  inc P + O_REPEAT
  lda P + O_REPEAT
  cmp #REPEAT_FIRST
  bcc @done
  lda #REPEAT_BACK
  sta P + O_REPEAT
@move:
  lda held
  lsr a                         ; right
  bcc @left
  lda P + O_ROT
  lsr a
  lda #6
  adc #0                        ; the wall: column 7 when it stands, else 6
  cmp P + O_X
  beq @left
  bcc @left
  inc P + O_X
  jsr fits
  bcc @left
  dec P + O_X
  jsr blocked
@left:
  lda held
  and #BTN_LEFT
  beq @done
  lda P + O_X
  beq @done
  dec P + O_X
  jsr fits
  bcc @done
  inc P + O_X
  jmp blocked
@done:
  rts
.endproc

.proc blocked
  lda #REPEAT_BLOCKED
  sta P + O_REPEAT
  rts
.endproc

; A turns clockwise (-1), B the other way; both may act in one frame.
.proc rotate
  lda pressed
  and #BTN_A
  beq :+
  lda #3
  jsr turn
: lda pressed
  and #BTN_B
  beq @done
  lda #1
  jmp turn
@done:
  rts
.endproc

; A = quarter turns.  Only a capsule that lies down again may kick, one column to the left.
.proc turn
  ldx P + O_ROT
  stx t3
  clc
  adc P + O_ROT
  and #3
  sta P + O_ROT
  jsr fits
  bcs @blocked
  lda P + O_ROT
  lsr a
  bcs @done
  lda held                      ; with Left held it slips one further
  and #BTN_LEFT
  beq @done
  dec P + O_X
  jsr fits
  bcc @done
  inc P + O_X
@done:
  rts
@blocked:
  lda P + O_ROT
  lsr a
  bcs @revert
  dec P + O_X
  jsr fits
  bcc @done
  inc P + O_X
@revert:
  lda t3
  sta P + O_ROT
  rts
.endproc
