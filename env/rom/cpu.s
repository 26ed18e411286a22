; Pads that nobody holds: player 2's against the machine, player 1's in the demo.
; The machine leaves nothing to chance: it takes the uppermost virus of a colour in hand whose column is free at
; the top, goes over to that column, and down.
.include "ram.inc"
.include "routines.inc"

.segment "CODE"

; After every frame's reading of the pads.
.proc make_pads
  lda attract
  cmp #ATTRACT_DEMO
  beq @demo
  lda vs_cpu
  beq @done
  lda mode
  cmp #MODE_PLAY
  bcs @versus
  lda p1_pressed                ; in the menus player 1 chooses for both
  sta p2_pressed
  lda p1_held
  sta p2_held
@done:
  rts
@versus:
  jsr wanted
  ldx #1
  jmp hold
@demo:
  lda mode
  cmp #MODE_PLAY
  bne @done
  jsr demo_buttons
  ldx #0
  ; fall through
.endproc

; A = buttons, as if held on the pad of player X = 0/1.
.proc hold
  sta p1_held, x
  tay
  eor cpu_held
  sta cpu_changes
  tya
  and cpu_changes
  sta p1_pressed, x
  sty cpu_held
  rts
.endproc

; A = the buttons that the machine wants
.proc wanted
  lda P2 + O_ACTION
  bne @nothing                  ; no capsule in hand
  lda P2 + O_COLOUR1
  ora #CELL_VIRUS
  sta cpu_first
  lda P2 + O_COLOUR2
  ora #CELL_VIRUS
  sta cpu_second
  jsr find_column
  bcc @down
  cmp P2 + O_X
  beq @down
  bcc @left
  lda #BTN_RIGHT
  rts
@left:
  lda #BTN_LEFT
  rts
@down:
  lda #BTN_DOWN
  rts
@nothing:
  lda #0
  rts
.endproc

; Carry set: A = column to go to.
.proc find_column
  ldx #0
@cell:
  lda field2, x
  cmp cpu_first
  beq @virus
  cmp cpu_second
  beq @virus
@next:
  inx
  bpl @cell
  clc
  rts
@virus:
  txa
  and #7
  tay
  lda field2, y
  cmp #CELL_EMPTY
  bne @next
  tya
  cmp #7
  bcc :+
  lda #6                        ; as far right as a lying capsule goes
: sec
  rts
.endproc
