; A round from its empty field to its last move: modes 2, 3, 8 and 4.
.include "ram.inc"
.include "routines.inc"

INTRO_FRAMES = 128

.segment "CODE"

; --- mode 2: the level screen ------------------------------------------------------------
.proc build_level
  ldx #FIELD_COLUMN
  ldy #FIELD_COLUMN
  lda #SCREEN_LEVEL
  sta t0
  jsr two_play
  bcc :+
  ldx #FIELD1_COLUMN
  ldy #FIELD2_COLUMN
  lda #SCREEN_VERSUS
  sta t0
: stx field_column
  sty field_column + 1
  lda t0
  jsr load_screen
  jsr reset_score
  lda #0
  sta P1 + O_WINS
  sta P2 + O_WINS
  lda #MODE_INIT
  sta mode
  rts
.endproc

; --- mode 3: level data; the generator is used from here on ------------------------------------
.proc init_level
  jsr clear_fields
  jsr fill_queue
  ldx #4
  jsr fresh_player
  jsr two_play
  bcc :+
  ldx #5
  jsr fresh_player
: lda #0
  sta round_winner
  sta round_loser
  sta throw_step
  sta virus_tally
  sta virus_tally + 1
  sta virus_tally + 2
  lda #INTRO_FRAMES
  sta countdown
  lda #$FF
  sta pause_allowed
  sta level_sprites
  lda #1
  sta field_shown
  sta round_step                ; the intro first wipes the fields on the screen
  lda #MODE_INTRO
  sta mode
  rts
.endproc

; X = 4 or 5
.proc fresh_player
  jsr load_player
  jsr reset_block
  jsr load_next                 ; twice: slot 0 is passed over and comes last
  jsr load_next
  jmp save_player
.endproc

; A fresh player block; level, speed and wins stay.
.proc reset_block
  lda P + O_LEVEL
  sta t0
  lda P + O_SPEED
  sta t1
  lda P + O_WINS
  sta t2
  ldx #BLOCK_SIZE - 1
  lda #0
: sta P, x
  dex
  bpl :-
  lda t2
  sta P + O_WINS
  lda t1
  sta P + O_SPEED
  ldx t0
  stx P + O_LEVEL
  lda virus_total, x
  sta P + O_TO_PLACE
  jsr note_levels_beyond
  lda #LAST_ROW
  sta P + O_REDRAW
  sta P + O_Y
  lda #3
  sta P + O_X
  lda #1
  sta P + O_COUNT
  lda #2
  sta P + O_SIZE
  sta P + O_NEXT_SIZE
  lda #ACT_THROWING
  sta P + O_ACTION
  rts
.endproc

; X = level.  Only noted: levels beyond 20 start at level 20's speed.
.proc note_levels_beyond
  txa
  sec
  sbc #TOP_LEVEL
  bcs :+
  lda #0
: sta levels_beyond
  rts
.endproc

; --- mode 8: the viruses appear, one attempt a frame and player ------------------------------------
.proc intro
  lda round_step
  beq @place
  lda P1 + O_REDRAW
  bpl @done
  lda #0
  sta round_step
@place:
  lda P1 + O_TO_PLACE
  ora P2 + O_TO_PLACE
  bne place_viruses
  dec countdown
  beq @play
  lda countdown
  cmp #INTRO_FRAMES - 1
  bne @done
  lda #LAST_ROW                 ; the whole fields once more
  sta P1 + O_REDRAW
  sta P2 + O_REDRAW
@done:
  rts
@play:
  jsr demo_waits
  bcs @done
  jsr two_play
  bcs :+
  jsr copy_to_player_two
: lda #MODE_PLAY
  sta mode
  rts
.endproc

; Carry set: the demo's recording begins on an even frame, since soft drops depend on it.
.proc demo_waits
  lda attract
  beq @no
  lda frame_counter
  lsr a
  bcc @no
  inc countdown
  rts
@no:
  clc
  rts
.endproc

; Equal levels have equal boards; unequal ones draw from the same generator in turn.
.proc place_viruses
  ldx #4
  jsr place_for
  jsr two_play
  bcc @done
  lda P1 + O_LEVEL
  cmp P2 + O_LEVEL
  beq @same
  ldx #5
  jmp place_for
@same:
  ldx #127
: lda field1, x
  sta field2, x
  dex
  bpl :-
  lda P1 + O_TO_PLACE
  sta P2 + O_TO_PLACE
  lda P1 + O_VIRUSES
  sta P2 + O_VIRUSES
  lda P1 + O_REDRAW
  sta P2 + O_REDRAW
@done:
  rts
.endproc

.proc place_for
  jsr load_player
  lda P + O_TO_PLACE
  beq @done
  jsr place_virus
  jmp save_player
@done:
  rts
.endproc

; --- mode 4: play; also the wait after a clear -------------------------------------------------------
.proc play
  lda round_step
  beq :+
  jmp after_clear
: lda P1 + O_LOST
  ora P2 + O_LOST
  beq :+
  lda attract
  bne @demo_over
  lda #MODE_TOPPED_OUT
  sta mode
  rts
: ldx #4
  jsr play_turn
  jsr two_play
  bcc :+
  ldx #5
  jsr play_turn
  lda P2 + O_VIRUSES
  beq @cleared
: lda P1 + O_VIRUSES
  beq @cleared
  rts
@cleared:
  lda attract
  bne @demo_over
  jmp begin_clear
@demo_over:
  jmp soft_reset
.endproc

; X = 4 or 5.  A clear raises the wins in the turn that makes it.
.proc play_turn
  jsr load_player
  jsr capsule_frame
  lda P + O_VIRUSES
  bne :+
  inc P + O_WINS
: jmp save_player
.endproc
